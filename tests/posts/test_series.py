"""A recurring post: each occurrence bears the next, once, however it ends."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from socialsync.db.encryption import Cipher
from socialsync.features.accounts import service as accounts
from socialsync.features.channels import service as channels
from socialsync.features.posts import service
from tests.posts.conftest import REASON
from tests.posts.test_races import waits_for_a_lock

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
DAY = timedelta(days=1)
DAILY = {"recurrence": "FREQ=DAILY", "timezone": "Europe/Paris"}


async def occurrences(office, post):
    return await office.rows(
        "select id, status, publish_at, slot_at, text, recurrence from posts where series_id = :id"
        " order by slot_at",
        id=post.series_id,
    )


async def statuses(office, post):
    return [(row["status"], row["slot_at"] - NOON) for row in await occurrences(office, post)]


async def change(office, verb, post_id, *more, now=NOON, **named):
    async with office.opened.database.transaction(office.workspace_id) as session:
        return await getattr(service, verb)(session, post_id, *more, now=now, **named)


@pytest.fixture
async def daily(office, noon):
    return await office.write(publish_at=NOON, now=NOON, **DAILY)


async def test_the_next_is_born_when_this_one_leaves_the_queue(office, noon, daily):
    await office.enqueue_due()
    assert await statuses(office, daily) == [("publishing", 0 * DAY), ("queued", DAY)]
    first, second = await occurrences(office, daily)
    assert second["publish_at"] == second["slot_at"]
    assert (second["text"], second["recurrence"]) == (first["text"], first["recurrence"])


async def test_after_a_long_outage_one_is_published_and_not_all_that_were_missed(office, noon, daily):
    noon.move(10 * DAY + timedelta(hours=3))
    assert (await office.enqueue_due())["enqueued"] == 1
    assert await statuses(office, daily) == [("publishing", 0 * DAY), ("queued", 11 * DAY)]


async def test_a_failure_does_not_end_the_series(office, noon, daily):
    await office.enqueue_due()
    await office.rows("update posts set status = 'failed' where id = :id returning id", id=daily.id)
    noon.move(DAY)
    await office.enqueue_due()
    assert await statuses(office, daily) == [("failed", 0 * DAY), ("publishing", DAY), ("queued", 2 * DAY)]


async def test_published_again_a_failed_one_bears_no_second_successor(office, noon, daily):
    await office.enqueue_due()
    await office.rows("update posts set status = 'failed' where id = :id returning id", id=daily.id)
    noon.move(2 * DAY)
    await change(office, "publish_now", daily.id, now=NOON + 2 * DAY)
    assert await statuses(office, daily) == [("publishing", 0 * DAY), ("queued", DAY)]


async def test_published_before_its_time_it_makes_way_for_the_one_after(office, noon):
    post = await office.write(publish_at=NOON + DAY, now=NOON, **DAILY)
    await change(office, "publish_now", post.id)
    assert await statuses(office, post) == [("publishing", DAY), ("queued", 2 * DAY)]


async def test_the_last_one_bears_none(office, noon):
    post = await office.write(publish_at=NOON, now=NOON, recurrence="RRULE:FREQ=DAILY;COUNT=2")
    assert (post.recurrence, post.timezone) == ("FREQ=DAILY;COUNT=2", "UTC")
    await office.enqueue_due()
    noon.move(DAY)
    await office.enqueue_due()
    assert await statuses(office, post) == [("publishing", 0 * DAY), ("publishing", DAY)]


async def test_a_series_keeps_its_hour_when_the_clocks_change(office, noon):
    before = datetime(2026, 3, 28, 8, tzinfo=UTC)
    post = await office.write(publish_at=before, now=NOON, **DAILY)
    noon.move(before - NOON)
    await office.enqueue_due()
    assert (await occurrences(office, post))[1]["publish_at"] == datetime(2026, 3, 29, 7, tzinfo=UTC)


async def test_a_time_moves_this_occurrence_only(office, noon, daily):
    await change(office, "edit", daily.id, {"publish_at": NOON + timedelta(hours=2)})
    noon.move(timedelta(hours=2))
    await office.enqueue_due()
    assert await statuses(office, daily) == [("publishing", 0 * DAY), ("queued", DAY)]


async def test_a_new_rule_begins_at_the_posts_time(office, noon, daily):
    at = NOON + timedelta(hours=1)
    post = await change(office, "edit", daily.id, {"publish_at": at, "recurrence": "FREQ=WEEKLY"})
    assert (post.slot_at, post.series_starts_at, post.timezone) == (at, at, "Europe/Paris")
    noon.move(timedelta(hours=1))
    await office.enqueue_due()
    assert [row["publish_at"] for row in await occurrences(office, post)] == [at, at + 7 * DAY]


async def test_a_new_rule_replaces_what_waited_by_the_old_one(office, noon, daily):
    await office.enqueue_due()
    await office.rows("update posts set status = 'failed' where id = :id returning id", id=daily.id)
    at = NOON + timedelta(hours=1)
    post = await change(
        office, "edit", daily.id, {"publish_at": at, "status": "queued", "recurrence": "FREQ=WEEKLY"}
    )
    (old,) = await occurrences(office, daily)
    assert (old["status"], old["slot_at"]) == ("cancelled", NOON + DAY)
    assert await statuses(office, post) == [("queued", timedelta(hours=1))]


async def test_without_a_rule_this_is_the_last_one(office, noon, daily):
    await change(office, "edit", daily.id, {"recurrence": None})
    await office.enqueue_due()
    assert await statuses(office, daily) == [("publishing", 0 * DAY)]


async def test_delete_ends_the_series(office, noon, daily):
    await office.enqueue_due()
    await change(office, "cancel", daily.id)
    assert await statuses(office, daily) == [("cancelled", 0 * DAY), ("cancelled", DAY)]


async def test_delete_of_only_this_one_goes_on_with_the_next(office, noon, daily):
    await change(office, "cancel", daily.id, only_this=True)
    assert await statuses(office, daily) == [("cancelled", 0 * DAY), ("queued", DAY)]
    await change(office, "cancel", daily.id, only_this=True)
    assert len(await occurrences(office, daily)) == 2


async def test_a_drafts_successor_is_a_draft_while_nobody_has_approved_it(office, noon):
    post = await office.write(publish_at=NOON, status="draft", now=NOON, **DAILY)
    await change(office, "cancel", post.id, only_this=True)
    assert await statuses(office, post) == [("cancelled", 0 * DAY), ("draft", DAY)]


async def test_the_rule_of_a_post_under_way_is_changed_in_the_next(office, noon, daily):
    await office.enqueue_due()
    with pytest.raises(service.lifecycle.EffectBegun) as refused:
        await change(office, "edit", daily.id, {"recurrence": "FREQ=WEEKLY"})
    assert refused.value.field == "recurrence"


async def test_a_rule_that_somebody_broke_by_hand_keeps_nobody_waiting(office, noon, daily):
    await office.rows("update posts set recurrence = 'whenever' where id = :id returning id", id=daily.id)
    other = await office.write(publish_at=NOON, now=NOON)
    assert (await office.enqueue_due())["enqueued"] == 2
    assert (await office.see(other.id))["status"] == "publishing"
    assert len(await occurrences(office, daily)) == 1


async def test_a_thousand_series_are_enqueued_together(office, noon, daily):
    await office.rows(
        "insert into posts (workspace_id, channel_id, status, text, media_urls, publish_at, recurrence,"
        " timezone, series_id, slot_at, series_starts_at) select workspace_id, channel_id, status, text,"
        " media_urls, publish_at, recurrence, timezone, uuidv7(), slot_at, series_starts_at"
        " from posts, generate_series(1, 999) returning id"
    )
    assert (await office.enqueue_due())["enqueued"] == 1000
    (waiting,) = await office.rows("select count(*) from posts where status = 'queued'")
    assert waiting["count"] == 1000


async def test_an_end_and_a_birth_at_the_same_moment_leave_nothing_waiting(fresh_database):
    async with fresh_database.system_transaction(REASON) as session:
        workspace = await accounts.create_workspace(session, name="Bakery")
    async with fresh_database.transaction(workspace.id) as session:
        new = {"platform": "instagram", "name": "ig", "external_id": "1784"}
        channel = await channels.connect(
            session, Cipher(["key"]), workspace.id, new, access_token="EAA", actor="tests"
        )
        content = {"channel_id": channel.id, "text": "x", "media_urls": ["https://example.com/a.jpg"]}
        post = await service.schedule(
            session, workspace.id, {**content, **DAILY, "publish_at": NOON}, now=NOON
        )
    async with fresh_database.system_transaction(REASON) as session:
        await service.enqueue_due(session, now=NOON)

    async def end():
        async with fresh_database.transaction(workspace.id) as session:
            await service.cancel(session, post.id, now=NOON + DAY)

    async with fresh_database.system_transaction(REASON) as session:
        assert (await service.enqueue_due(session, now=NOON + DAY)).count == 1
        ending = asyncio.create_task(end())
        await waits_for_a_lock(fresh_database)
    await ending
    async with fresh_database.transaction(workspace.id) as session:
        found = await service.list_posts(session, before=None, limit=10)
    assert sorted(row.status for row in found) == ["cancelled", "cancelled", "publishing"]
