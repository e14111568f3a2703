"""Polls find every comment once, whatever shifts, fails or comes twice."""

import time
from datetime import UTC, datetime, timedelta

from socialsync import clock
from socialsync.features.comments import arrivals, service
from socialsync.platforms.comments import Comment, PublishedMedia
from tests.comments.conftest import IG_USER, Wall, watch


async def test_a_tick_finds_new_comments_and_says_how_many(wall: Wall):
    wall.comment("When do you open?", username="ada")
    assert await wall.poll() == {"posts_checked": 1, "comments_found": 1, "errors": 0}
    row = await wall.one()
    assert (row["text"], row["username"], row["triage"], row["post_id"]) == (
        "When do you open?", "ada", "pending", wall.post_id,
    )  # fmt: skip
    assert await wall.poll() == {"posts_checked": 1, "comments_found": 0, "errors": 0}
    assert len(await wall.office.jobs("comments.process_comment")) == 1


async def test_a_post_that_is_not_due_is_left_alone(wall: Wall):
    await wall.poll()
    wall.comment("Late")
    assert await wall.poll(due=False) == {"posts_checked": 0, "comments_found": 0, "errors": 0}
    row = (await wall.office.rows("select next_check_at - now() as after, stop_at from posts"))[0]
    assert timedelta(minutes=4) < row["after"] < timedelta(minutes=5, seconds=10)


async def test_after_seven_days_nothing_is_looked_at(wall: Wall):
    wall.comment("Anybody?")
    await wall.office.rows("update posts set stop_at = now() - interval '1 second' returning id")
    assert (await wall.poll())["posts_checked"] == 0
    assert (await wall.office.rows("select next_check_at from posts"))[0]["next_check_at"] is None


async def test_pages_are_read_until_those_of_the_last_completed_poll(wall: Wall, simulator):
    simulator.comments(crowds=[{"media_id": wall.media, "count": 120}])
    assert (await wall.poll())["comments_found"] == 120
    before = simulator.requests()["by_kind"]["instagram.comments"]
    wall.comment("One more")
    assert (await wall.poll())["comments_found"] == 1
    assert simulator.requests()["by_kind"]["instagram.comments"] == before + 1, "the first page was enough"


async def test_what_a_broken_poll_saw_does_not_end_the_next_one(wall: Wall, simulator):
    simulator.comments(crowds=[{"media_id": wall.media, "count": 120}])
    simulator.fault(match={"kind": "instagram.comments"}, action="status", status=500, skip=1)
    broken = await wall.poll()
    assert broken["errors"] == 1
    assert broken["comments_found"] == 50
    assert (await wall.poll())["comments_found"] == 70
    assert len(await wall.comments()) == 120


async def test_a_bad_post_stops_no_other(wall: Wall, simulator):
    made = simulator.comments(media=[{"account": IG_USER, "caption": "Rye"}])["media"][0]
    await watch(wall.office, PublishedMedia(made, "Rye", datetime.now(UTC) - timedelta(hours=2)))
    simulator.comments(comments=[{"media_id": made, "text": "Nice rye"}])
    wall.comment("Nice")
    simulator.fault(match={"path": f"/v25.0/{wall.media}/"}, action="status", status=500, times=None)
    done = await wall.poll()
    assert done["posts_checked"] + done["errors"] == 2
    assert done["errors"] == 1
    assert [row["text"] for row in await wall.comments()] == ["Nice rye"]


async def test_an_account_that_is_limited_is_left_alone_and_nothing_is_an_error(wall: Wall, simulator):
    wall.comment("Hello")
    simulator.fault(match={"kind": "instagram.comments"}, action="retry_after", retry_after_s=90)
    done = await wall.poll()
    assert (done["posts_checked"], done["errors"]) == (0, 0)
    assert (await wall.poll(due=False))["posts_checked"] == 0


async def test_a_tick_waits_for_an_account_that_is_limited_for_a_moment(wall: Wall, simulator):
    wall.comment("Hello")
    simulator.fault(match={"kind": "instagram.comments"}, action="retry_after", retry_after_s=1)
    began = time.monotonic()
    done = await wall.poll()
    assert (done["posts_checked"], done["comments_found"], done["errors"]) == (1, 1, 0)
    assert 1 <= time.monotonic() - began < 10


async def test_what_a_webhook_brought_is_not_stored_twice(wall: Wall):
    comment_id = wall.comment("When do you open?")
    now = datetime.now(UTC)
    place = arrivals.Place(wall.workspace_id, wall.office.instagram, wall.post_id, wall.media)
    told = Comment(comment_id, "When do you open?", now, "77", "ada")
    async with wall.opened.database.transaction(wall.workspace_id) as session:
        assert (await arrivals.receive(session, place, [told], now=now)).new == 1
    assert (await wall.poll())["comments_found"] == 0
    assert (await wall.one())["poll"] == 1, "the poll has seen it too"
    assert len(await wall.office.jobs("comments.process_comment")) == 1


async def test_full_passes_find_replies_edits_and_deletions(wall: Wall, simulator):
    first = wall.comment("Lovely crust")
    second = wall.comment("So fresh")
    await wall.poll()
    simulator.comments(
        edits=[{"id": first, "text": "Lovely crust, when do you open?"}],
        deletions=[second],
        comments=[{"media_id": wall.media, "text": "I agree", "parent_id": first}],
    )
    await wall.office.rows("update posts set published_at = now() - interval '25 hours' returning id")
    await wall.poll()
    rows = {row["platform_comment_id"]: row for row in await wall.comments()}
    assert len(rows) == 3
    assert rows[first]["text"].endswith("when do you open?")
    assert rows[first]["edited_at"] is not None
    assert rows[second]["deleted_at"] is not None
    assert [row["parent_id"] for row in rows.values() if row["text"] == "I agree"] == [first]


async def test_media_published_elsewhere_are_watched_when_they_are_imported(wall: Wall, simulator):
    made = simulator.comments(media=[{"account": IG_USER, "caption": "From the phone"}])
    simulator.comments(comments=[{"media_id": made["media"][0], "text": "Hi"}])
    for _ in range(2):
        async with wall.opened.database.transaction(wall.workspace_id) as session:
            await service.import_later(session, wall.office.instagram, now=clock.now())
        (job, *_) = [j for j in await wall.office.jobs("comments.import_media") if j["status"] == "todo"]
        await wall.office.run(job["id"])
    rows = await wall.office.rows("select * from posts where origin = 'platform'")
    assert [row["text"] for row in rows] == ["From the phone"]
    assert (await wall.poll())["comments_found"] == 1
