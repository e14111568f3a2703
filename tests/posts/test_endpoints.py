"""`/api/v1/posts`, through the real application."""

import socket
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
URL = "/api/v1/posts"
IMAGE = {"text": "Sunrise", "media_urls": ["https://example.com/s.jpg"]}


@pytest.fixture
async def instagram(client):
    return await connect(client, "instagram", "17841400000000001")


@pytest.fixture
async def whatsapp(client):
    return await connect(client, "whatsapp", "106540352242922")


async def connect(client, platform, external_id):
    body = {"platform": platform, "name": platform, "external_id": external_id, "access_token": "EAAtoken"}
    return (await client.post("/api/v1/channels", json=body)).json()["id"]


async def write(client, channel_id, **more):
    answer = await client.post(URL, json={"channel_id": channel_id, **IMAGE, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


PUBLISHES = "select status::text from procrastinate_jobs where task_name = 'posts.publish_post'"


async def count(database, table):
    async with database.system_transaction("a test counts") as session:
        return await session.scalar(text(f"select count(*) from {table}"))  # noqa: S608 - our own words


def problem(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()


async def test_a_post_with_a_time_is_queued_and_one_without_is_a_draft(client, instagram):
    later = (NOON + timedelta(days=1)).isoformat()
    assert (await write(client, instagram, publish_at=later))["status"] == "queued"
    assert (await write(client, instagram))["status"] == "draft"
    assert (await write(client, instagram, publish_at=later, status="draft"))["status"] == "draft"


async def test_queued_without_a_time_is_due_now(client, instagram, noon):
    post = await write(client, instagram, status="queued")
    assert datetime.fromisoformat(post["publish_at"]) == NOON


async def test_times_are_given_back_as_the_same_instant(client, instagram):
    post = await write(client, instagram, publish_at="2030-07-01T10:00:00+02:00")
    assert datetime.fromisoformat(post["publish_at"]) == datetime(2030, 7, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"publish_at": "2030-01-01T09:00:00"}, "publish_at"),
        ({"publish_at": "tomorrow"}, "publish_at"),
        ({"channel_id": str(uuid4())}, "channel_id"),
        ({"channel_id": "instagram"}, "channel_id"),
        ({"media_urls": ["https://example.com/s.png"]}, "media_urls[0]"),
        ({"media_urls": ["s.jpg"]}, "media_urls[0]"),
        ({"media_urls": []}, "media_urls"),
        ({"media_urls": "https://example.com/s.jpg"}, "media_urls"),
        ({"text": "x" * 2201}, "text"),
        ({"text": "nul \x00"}, "text"),
        ({"recipients": ["+33612345601"]}, "recipients"),
        ({"status": "published"}, "status"),
        ({"colour": "blue"}, "colour"),
    ],
)
async def test_bad_input_names_field_problem_and_fix_before_anything_is_queued(
    client, database, instagram, change, field
):
    body = {"channel_id": instagram, **IMAGE, "publish_at": "2030-01-01T09:00:00+00:00", **change}
    found = problem(await client.post(URL, json=body), 422)
    assert [error["field"] for error in found["errors"]] == [field]
    assert found["errors"][0]["problem"]
    assert await count(database, "posts") == 0
    assert await count(database, "procrastinate_jobs where task_name like 'posts.%'") == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"recipients": []}, "recipients"),
        ({"recipients": ["0612345601"]}, "recipients[0]"),
        ({"recipients": ["+33612345601", "+33612345601"]}, "recipients[1]"),
        ({"text": ""}, "text"),
        ({"text": "x" * 4097}, "text"),
        ({"media_urls": ["s.jpg"]}, "media_urls[0]"),
    ],
)
async def test_what_whatsapp_would_refuse_is_refused_here(client, whatsapp, change, field):
    body = {"channel_id": whatsapp, "text": "Hello", "recipients": ["+33612345601"], "status": "queued"}
    found = problem(await client.post(URL, json={**body, **change}), 422)
    assert [error["field"] for error in found["errors"]] == [field]


async def test_a_draft_may_lack_its_media_but_not_be_published_so(client, instagram):
    post = await write(client, instagram, media_urls=[])
    found = problem(await client.post(f"{URL}/{post['id']}/publish"), 422)
    assert found["errors"][0]["field"] == "media_urls"
    problem(await client.patch(f"{URL}/{post['id']}", json={"status": "queued"}), 422)


async def test_another_workspaces_channel_is_an_unknown_one(client, other_client, instagram):
    found = problem(await other_client.post(URL, json={"channel_id": instagram, **IMAGE}), 422)
    assert found["errors"][0]["field"] == "channel_id"


async def test_another_workspaces_post_is_not_there(client, other_client, instagram):
    post = await write(client, instagram)
    at = f"{URL}/{post['id']}"
    for answer in (
        await other_client.get(at),
        await other_client.patch(at, json={"text": "mine"}),
        await other_client.delete(at),
        await other_client.post(f"{at}/publish"),
        await other_client.get(f"{at}/runs"),
        await other_client.get(f"{at}/deliveries"),
    ):
        problem(answer, 404)
    assert (await other_client.get(URL)).json() == {"items": [], "next_cursor": None}
    assert (await client.get(at)).json()["text"] == "Sunrise"


async def test_posts_are_listed_newest_first_in_pages_and_filtered(client, instagram, whatsapp):
    ids = [(await write(client, instagram))["id"] for _ in range(5)]
    message = await write(client, whatsapp, media_urls=[], recipients=["+33612345601"])
    seen, cursor = [], None
    while True:
        page = (await client.get(URL, params={"limit": 2, **({"cursor": cursor} if cursor else {})})).json()
        seen += [item["id"] for item in page["items"]]
        if not (cursor := page["next_cursor"]):
            break
    assert seen == [message["id"], *reversed(ids)]
    only = (await client.get(URL, params={"channel_id": whatsapp, "status": "draft"})).json()
    assert [item["id"] for item in only["items"]] == [message["id"]]


async def test_an_edit_changes_what_is_given_and_keeps_the_rest(client, instagram):
    post = await write(client, instagram, publish_at="2030-01-01T09:00:00Z")
    changed = (await client.patch(f"{URL}/{post['id']}", json={"text": "Sunset"})).json()
    assert changed["text"] == "Sunset"
    kept = ("id", "status", "publish_at", "media_urls", "channel_id", "created_at")
    assert {name: changed[name] for name in kept} == {name: post[name] for name in kept}


async def test_taking_the_time_of_a_queued_post_away_does_not_publish_it(client, instagram):
    post = await write(client, instagram, publish_at="2030-01-01T09:00:00Z")
    at = f"{URL}/{post['id']}"
    found = problem(await client.patch(at, json={"publish_at": None}), 422)
    assert found["errors"][0]["field"] == "publish_at"
    parked = await client.patch(at, json={"publish_at": None, "status": "draft"})
    assert (parked.json()["status"], parked.json()["publish_at"]) == ("draft", None)


async def test_publish_now_enqueues_and_a_second_time_is_a_conflict(client, database, instagram):
    post = await write(client, instagram)
    at = f"{URL}/{post['id']}"
    assert (await client.post(f"{at}/publish")).json()["status"] == "publishing"
    problem(await client.post(f"{at}/publish"), 409)
    (run,) = (await client.get(f"{at}/runs")).json()["items"]
    assert (run["status"], run["attempt"]) == ("running", 1)
    assert await count(database, "procrastinate_jobs where task_name like 'posts.%'") == 1


async def test_delete_cancels_keeps_the_row_and_can_be_repeated(client, database, instagram):
    post = await write(client, instagram)
    at = f"{URL}/{post['id']}"
    await client.post(f"{at}/publish")
    for _ in range(2):
        assert (await client.delete(at)).json()["status"] == "cancelled"
    assert (await client.get(f"{at}/runs")).json()["items"][0]["status"] == "cancelled"
    assert (await client.get(at)).json()["status"] == "cancelled"
    async with database.system_transaction("a test looks at jobs") as session:
        assert await session.scalar(text(PUBLISHES)) == "cancelled"
    problem(await client.patch(at, json={"text": "again"}), 409)


async def test_once_its_effect_has_begun_a_post_cannot_be_changed(client, database, instagram):
    post = await write(client, instagram)
    at = f"{URL}/{post['id']}"
    await client.post(f"{at}/publish")
    async with database.system_transaction("a test commits an intent") as session:
        await session.execute(text("update post_runs set effect_at = now()"))
    assert problem(await client.patch(at, json={"text": "late"}), 409)["errors"][0]["fix"]
    problem(await client.delete(at), 409)


async def test_the_same_key_creates_one_post(client, database, instagram):
    body = {"channel_id": instagram, **IMAGE}
    answers = [await client.post(URL, json=body, headers={"Idempotency-Key": "one"}) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await count(database, "posts") == 1


async def test_a_viewer_reads_and_does_not_write(client, viewer_client, instagram):
    post = await write(client, instagram)
    at = f"{URL}/{post['id']}"
    assert (await viewer_client.get(at)).status_code == 200
    for answer in (
        await viewer_client.post(URL, json={"channel_id": instagram, **IMAGE}),
        await viewer_client.patch(at, json={"text": "x"}),
        await viewer_client.delete(at),
        await viewer_client.post(f"{at}/publish"),
    ):
        problem(answer, 403)


async def test_without_a_key_nothing_is_told(stranger):
    assert problem(await stranger.get(URL), 401)["errors"] is not None


async def test_a_deleted_channels_drafts_stay_and_are_refused_with_the_reason(client, instagram):
    post = await write(client, instagram, publish_at="2030-01-01T09:00:00Z", status="draft")
    assert (await client.delete(f"/api/v1/channels/{instagram}")).status_code == 204
    assert (await client.get(f"{URL}/{post['id']}")).status_code == 200
    found = problem(await client.post(f"{URL}/{post['id']}/publish"), 422)
    assert found["errors"][0]["field"] == "channel_id"


async def test_a_recurring_post_takes_the_workspaces_zone_unless_it_names_one(client, instagram):
    await client.patch("/api/v1/workspace", json={"timezone": "Asia/Kathmandu"})
    at = {"publish_at": "2030-01-01T09:00:00Z", "recurrence": "RRULE:freq=daily"}
    post = await write(client, instagram, **at)
    assert (post["recurrence"], post["timezone"]) == ("FREQ=DAILY", "Asia/Kathmandu")
    assert post["series_id"]
    named = await write(client, instagram, **at, timezone="Australia/Lord_Howe")
    assert named["timezone"] == "Australia/Lord_Howe"
    assert named["series_id"] != post["series_id"]
    assert (await write(client, instagram))["series_id"] is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"recurrence": "every day"}, "recurrence"),
        ({"recurrence": "FREQ=SECONDLY"}, "recurrence"),
        ({"recurrence": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}, "recurrence"),
        ({"recurrence": "FREQ=DAILY", "timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"recurrence": "FREQ=DAILY", "publish_at": None}, "publish_at"),
        ({"media_type": "painting"}, "media_type"),
        ({"media_type": "document"}, "media_type"),
        ({"alt_texts": ["x" * 1001]}, "alt_texts[0]"),
        ({"alt_texts": ["one", "two"]}, "alt_texts[1]"),
    ],
)
async def test_a_wrong_recurrence_or_medium_is_named_at_birth_and_at_every_edit(
    client, instagram, change, field
):
    usual = {"channel_id": instagram, **IMAGE, "publish_at": "2030-01-01T09:00:00Z"}
    found = problem(await client.post(URL, json={**usual, **change}), 422)
    assert [error["field"] for error in found["errors"]] == [field]
    assert found["errors"][0]["problem"]
    post = await write(client, instagram, publish_at="2030-01-01T09:00:00Z", status="draft")
    found = problem(await client.patch(f"{URL}/{post['id']}", json=change), 422)
    assert [error["field"] for error in found["errors"]] == [field]
    assert (await client.get(f"{URL}/{post['id']}")).json() == post


async def test_a_series_is_changed_moved_left_out_and_ended(client, instagram):
    at = (
        f"{URL}/"
        + (await write(client, instagram, publish_at="2030-01-01T09:00:00Z", recurrence="FREQ=DAILY"))["id"]
    )
    weekly = (await client.patch(at, json={"recurrence": "FREQ=WEEKLY", "timezone": "Europe/Paris"})).json()
    assert (weekly["recurrence"], weekly["timezone"]) == ("FREQ=WEEKLY", "Europe/Paris")
    moved = (await client.patch(at, json={"publish_at": "2030-01-02T09:00:00Z"})).json()
    assert moved["series_id"] == weekly["series_id"]
    assert (await client.delete(at, params={"only_this": True})).json()["status"] == "cancelled"
    following, _ = (await client.get(URL)).json()["items"]
    assert (following["status"], following["publish_at"]) == ("queued", "2030-01-08T09:00:00Z")
    assert (await client.patch(f"{URL}/{following['id']}", json={"recurrence": None})).json()[
        "recurrence"
    ] is None
    assert (await client.delete(f"{URL}/{following['id']}")).json()["status"] == "cancelled"
    assert len((await client.get(URL)).json()["items"]) == 2


async def test_what_kind_of_post_it_is_follows_its_media(client, instagram):
    post = await write(client, instagram, alt_texts=["The sun"])
    at = f"{URL}/{post['id']}"
    assert (post["media_type"], post["alt_texts"]) == ("image", ["The sun"])
    several = {"media_urls": ["https://example.com/a.jpg", "https://example.com/b.jpg"]}
    changed = (await client.patch(at, json=several)).json()
    assert (changed["media_type"], changed["alt_texts"]) == ("carousel", [])
    changed = (await client.patch(at, json={"media_urls": ["https://example.com/film.mp4"]})).json()
    assert changed["media_type"] == "reel"
    changed = (await client.patch(at, json={"media_type": "story", "text": ""})).json()
    assert changed["media_type"] == "story"
    problem(await client.patch(at, json=several), 422)
    assert (await client.patch(at, json={"media_urls": ["https://example.com/c.jpg"]})).json()[
        "media_type"
    ] == "story"


async def test_a_story_is_told_from_an_image_only_by_name(client, instagram):
    story = await write(client, instagram, media_type="story", text="", status="draft")
    assert story["media_type"] == "story"


async def test_media_that_are_not_there_are_named_before_the_post_is_queued(client, instagram, simulator):
    gone = {"media_urls": [f"{simulator.url}/gone.jpg"]}
    soon = {"publish_at": "2030-01-01T09:00:00Z"}
    found = problem(await client.post(URL, json={"channel_id": instagram, **gone, **soon}), 422)
    assert [error["field"] for error in found["errors"]] == ["media_urls[0]"]
    draft = await write(client, instagram, **gone)
    found = problem(await client.patch(f"{URL}/{draft['id']}", json={**soon, "status": "queued"}), 422)
    assert [error["field"] for error in found["errors"]] == ["media_urls[0]"]
    found = problem(await client.post(f"{URL}/{draft['id']}/publish"), 422)
    assert [error["field"] for error in found["errors"]] == ["media_urls[0]"]
    there = {"media_urls": [f"{simulator.url}/_sim/media/sun.jpg"]}
    post = await write(client, instagram, **there, **soon)
    problem(await client.patch(f"{URL}/{post['id']}", json=gone), 422)
    assert (await client.patch(f"{URL}/{post['id']}", json={"text": "x"})).status_code == 200
    posts = [{"channel_id": instagram, **media, **soon} for media in (there, there, gone, gone)]
    found = problem(await client.post(f"{URL}/bulk", json=posts), 422)
    assert [error["field"] for error in found["errors"]] == ["posts[2].media_urls[0]"]


async def test_media_may_lead_to_the_simulator_and_to_nothing_else_on_this_machine(client, instagram):
    with socket.create_server(("127.0.0.1", 0)) as another:
        another.settimeout(0)
        port = another.getsockname()[1]
        for url in (f"http://127.0.0.1:{port}/health/live", "http://169.254.169.254/x.jpg"):
            body = {"channel_id": instagram, "media_urls": [url], "publish_at": "2030-01-01T09:00:00Z"}
            (error,) = problem(await client.post(URL, json=body), 422)["errors"]
            assert "not on the public internet" in error["problem"]
        with pytest.raises(BlockingIOError):
            another.accept()  # nobody knocked


async def test_a_repeated_request_is_answered_even_when_its_media_are_gone(client, instagram, simulator):
    body = {"channel_id": instagram, "publish_at": "2030-01-01T09:00:00Z"}
    body["media_urls"] = [f"{simulator.url}/_sim/media/sun.jpg"]
    key = {"Idempotency-Key": "one"}
    first = await client.post(URL, json=body, headers=key)
    simulator.fault(action="status", status=404, times=None)
    again = await client.post(URL, json=body, headers=key)
    assert (again.status_code, again.json()) == (201, first.json())


@pytest.mark.parametrize("closing", ["pause", "revoke"])
async def test_a_post_of_a_closed_channel_can_be_planned_but_not_published_now(
    client, database, instagram, closing
):
    if closing == "pause":
        await client.put(f"/api/v1/channels/{instagram}/pause")
    else:
        async with database.system_transaction("a test revokes a token") as session:
            await session.execute(text("update channels set status = 'needs_reauth'"))
    post = await write(client, instagram, publish_at="2030-01-01T09:00:00Z")
    found = problem(await client.post(f"{URL}/{post['id']}/publish"), 409)
    assert found["code"] == "ChannelClosed"
    assert (await client.get(f"{URL}/{post['id']}")).json()["status"] == "queued"


async def test_one_broadcast_counts_what_became_of_its_messages(client, database, whatsapp, instagram):
    people = ["+33612345601", "+33612345602", "+33612345603"]
    post = await write(client, whatsapp, media_urls=[], recipients=people)
    at = f"{URL}/{post['id']}"
    assert post["deliveries"] is None
    assert set((await client.get(at)).json()["deliveries"].values()) == {0}
    async with database.system_transaction("a test delivers") as session:
        await session.execute(
            text(
                "insert into post_deliveries (workspace_id, post_id, recipient, status)"
                " select workspace_id, id, unnest(recipients), unnest(array['read', 'read', 'failed'])"
                " from posts"
            )
        )
    counted = (await client.get(at)).json()["deliveries"]
    assert {name: number for name, number in counted.items() if number} == {"read": 2, "failed": 1}
    assert (await client.get(f"{URL}/{(await write(client, instagram))['id']}")).json()["deliveries"] is None
    assert all(item["deliveries"] is None for item in (await client.get(URL)).json()["items"])


async def test_a_new_time_ends_a_wait(client, database, instagram):
    post = await write(client, instagram, publish_at="2026-01-01T09:00:00Z")
    async with database.system_transaction("a test parks a post") as session:
        await session.execute(text("update posts set not_before = '2031-01-01T00:00:00Z'"))
    at = f"{URL}/{post['id']}"
    assert (await client.patch(at, json={"text": "x"})).json()["not_before"] is not None
    assert (await client.patch(at, json={"publish_at": "2030-01-01T09:00:00Z"})).json()["not_before"] is None


async def test_a_story_with_words_that_nobody_would_see_is_refused(client, instagram):
    body = {"channel_id": instagram, **IMAGE, "media_type": "story"}
    found = problem(await client.post(URL, json=body), 422)
    assert [error["field"] for error in found["errors"]] == ["text"]
    image = await write(client, instagram)
    problem(await client.patch(f"{URL}/{image['id']}", json={"media_type": "story"}), 422)


async def test_nothing_is_planned_more_than_ten_years_ahead(client, instagram, noon):
    late, latest = "2036-03-05T00:00:00Z", "2036-03-03T00:00:00Z"
    body = {"channel_id": instagram, **IMAGE, "publish_at": late}
    draft = await write(client, instagram, publish_at=latest, status="draft")
    answers = [
        await client.post(URL, json=body),
        await client.post(URL, json={**body, "status": "draft"}),
        await client.patch(f"{URL}/{draft['id']}", json={"publish_at": late}),
        await client.post(f"{URL}/reschedule", json={"ids": [draft["id"]], "publish_at": late}),
    ]
    for answer in answers:
        assert [error["field"] for error in problem(answer, 422)["errors"]] == ["publish_at"]
    answer = await client.post(f"{URL}/reschedule", json={"ids": [draft["id"]], "shift_s": 172_800})
    assert [error["field"] for error in problem(answer, 422)["errors"]] == ["ids[0]"]


async def test_components_of_a_template_are_checked_when_the_post_is_written(client, whatsapp):
    template = {"name": "opening", "language": "en", "components": [{"type": "body", "parameters": "Ada"}]}
    body = {"channel_id": whatsapp, "recipients": ["+33612345601"], "template": template}
    for answer in (await client.post(URL, json=body), await client.post(f"{URL}/bulk", json=[body])):
        (error,) = problem(answer, 422)["errors"]
        assert error["field"].removeprefix("posts[0].") == "template.components[0].parameters"
