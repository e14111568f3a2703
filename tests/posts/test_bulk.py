"""Many posts at once: `/api/v1/posts/bulk` and `/reschedule`, all or none."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.posts.test_endpoints import connect, count, problem, whatsapp, write

__all__ = ["whatsapp"]
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
URL = "/api/v1/posts/bulk"
TIMES = "/api/v1/posts/reschedule"


@pytest.fixture
async def instagram(client):
    return await connect(client, "instagram", "17841400000000001")


def images(channel_id, number, **more):
    return [
        {
            "channel_id": channel_id,
            "text": f"Sunrise {each}",
            "media_urls": ["https://example.com/s.jpg"],
            "publish_at": (NOON + timedelta(minutes=each)).isoformat(),
            **more,
        }
        for each in range(number)
    ]


@pytest.mark.parametrize("wrap", [list, lambda posts: {"posts": posts}, lambda posts: {"items": posts}])
async def test_posts_are_stored_in_their_order(client, noon, instagram, wrap):
    answer = await client.post(URL, json=wrap(images(instagram, 3)))
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert (body["count"], [item["status"] for item in body["items"]]) == (3, ["queued"] * 3)
    for number, item in enumerate(body["items"]):
        post = (await client.get(f"/api/v1/posts/{item['id']}")).json()
        assert (post["text"], post["media_type"]) == (f"Sunrise {number}", "image")
        assert datetime.fromisoformat(post["publish_at"]) == NOON + timedelta(minutes=number)
    assert sorted(item["id"] for item in body["items"]) == [item["id"] for item in body["items"]]


async def test_everything_that_one_post_may_have_each_of_many_may(client, noon, instagram, whatsapp):
    posts = [
        *images(instagram, 1, alt_texts=["The sun"], recurrence="FREQ=DAILY", timezone="Asia/Gaza"),
        {"channel_id": instagram, "text": "Not yet"},
        {
            "channel_id": whatsapp,
            "recipients": ["+33612345601", "+33612345602"],
            "template": {"name": "opening", "language": "en"},
            "status": "queued",
        },
    ]
    items = (await client.post(URL, json=posts)).json()["items"]
    series, draft, message = [(await client.get(f"/api/v1/posts/{item['id']}")).json() for item in items]
    assert (series["recurrence"], series["timezone"]) == ("FREQ=DAILY", "Asia/Gaza")
    assert series["series_id"]
    assert series["alt_texts"] == ["The sun"]
    assert (draft["status"], draft["publish_at"], draft["media_urls"]) == ("draft", None, [])
    assert message["template"] == {"name": "opening", "language": "en", "components": []}
    assert message["recipients"] == ["+33612345601", "+33612345602"]
    assert datetime.fromisoformat(message["publish_at"]) == NOON


async def test_ten_thousand_posts_are_stored(client, database, instagram):
    answer = await client.post(URL, json=images(instagram, 10_000))
    assert answer.status_code == 201
    assert len({item["id"] for item in answer.json()["items"]}) == 10_000
    assert await count(database, "posts") == 10_000


@pytest.mark.parametrize(
    ("number", "change", "field"),
    [
        (1, {"text": "x" * 2201}, "posts[1].text"),
        (2, {"media_urls": ["https://example.com/s.jpg", "s.jpg"]}, "posts[2].media_urls[1]"),
        (0, {"publish_at": "2030-01-01T09:00:00"}, "posts[0].publish_at"),
        (2, {"channel_id": str(uuid4())}, "posts[2].channel_id"),
        (1, {"recurrence": "FREQ=NEVER"}, "posts[1].recurrence"),
        (1, {"colour": "blue"}, "posts[1].colour"),
        (1, {"text": "nul \x00"}, "posts[1].text"),
    ],
)
async def test_one_wrong_post_keeps_all_from_being_stored(client, instagram, number, change, field):
    posts = images(instagram, 3)
    posts[number] |= change
    for body in (posts, {"posts": posts}):
        found = problem(await client.post(URL, json=body), 422)
        assert [error["field"] for error in found["errors"]] == [field]
    assert (await client.get("/api/v1/posts")).json()["items"] == []


async def test_the_first_hundred_problems_are_told(client, database, instagram):
    found = problem(await client.post(URL, json=images(instagram, 120, text="x" * 3000)), 422)
    assert [error["field"] for error in found["errors"]] == [f"posts[{n}].text" for n in range(100)]
    assert all(error["fix"] for error in found["errors"])
    assert "and 99 more" in found["detail"]
    assert await count(database, "posts") == 0


async def test_what_is_no_post_and_what_no_platform_takes_is_told_together(client, database, instagram):
    posts = images(instagram, 6)
    posts[0] |= {"text": "x" * 3000}
    posts[1] |= {"text": 7, "colour": "blue"}
    posts[2] = "Sunrise"
    posts[3] |= {"media_urls": ["s.jpg"]}
    posts[4] |= {"publish_at": "tomorrow", "text": "nul \x00"}
    found = problem(await client.post(URL, json=posts), 422)
    assert [error["field"] for error in found["errors"]] == [
        "posts[0].text", "posts[1].text", "posts[1].colour", "posts[2]", "posts[3].media_urls[0]",
        "posts[4].text", "posts[4].publish_at",
    ]  # fmt: skip
    assert all(error["problem"] for error in found["errors"])
    assert await count(database, "posts") == 0


@pytest.mark.parametrize("body", [[], {"posts": []}, {}, {"posts": "all"}, {"items": None}, "posts", 7, None])
async def test_what_is_no_list_of_posts_is_refused(client, body):
    assert problem(await client.post(URL, json=body), 422)["detail"]


async def test_more_than_ten_thousand_are_too_many(client, instagram):
    found = problem(await client.post(URL, json=[{"channel_id": instagram}] * 10_001), 422)
    assert found["errors"][0]["field"] == "posts"


async def test_the_same_key_creates_them_once(client, database, instagram):
    body = images(instagram, 5)
    one, two = [await client.post(URL, json=body, headers={"Idempotency-Key": "one"}) for _ in range(2)]
    assert one.json() == two.json()
    assert await count(database, "posts") == 5


async def test_a_large_body_is_taken_here_and_a_larger_one_is_not(client, instagram):
    posts = images(instagram, 4, text="y" * 2000, template=None)
    padding = " " * (11 * 2**20)
    content = f'{{"posts": [{padding}]}}'
    assert (
        await client.post(URL, content=content, headers={"Content-Type": "application/json"})
    ).status_code == 422
    assert (await client.post(URL, json=posts)).status_code == 201
    too_much = " " * (32 * 2**20 + 1)
    problem(await client.post(URL, content=too_much, headers={"Content-Type": "application/json"}), 413)


async def test_another_workspaces_channel_is_not_known(other_client, instagram):
    found = problem(await other_client.post(URL, json=images(instagram, 1)), 422)
    assert found["errors"][0]["field"] == "posts[0].channel_id"


async def test_times_are_shifted_together(client, noon, instagram):
    items = (await client.post(URL, json=images(instagram, 3))).json()["items"]
    ids = [item["id"] for item in reversed(items)]
    answer = (await client.post(TIMES, json={"ids": ids, "shift_s": -3600})).json()
    assert answer["count"] == 3
    assert [item["id"] for item in answer["items"]] == ids
    assert [datetime.fromisoformat(item["publish_at"]) for item in answer["items"]] == [
        NOON + timedelta(minutes=minutes, hours=-1) for minutes in (2, 1, 0)
    ]


async def test_a_repeated_shift_shifts_once(client, noon, instagram):
    (item,) = (await client.post(URL, json=images(instagram, 1))).json()["items"]
    body, key = {"ids": [item["id"]], "shift_s": 3600}, {"Idempotency-Key": "k"}
    first, again = [await client.post(TIMES, json=body, headers=key) for _ in range(2)]
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    kept = (await client.get(f"/api/v1/posts/{item['id']}")).json()["publish_at"]
    assert datetime.fromisoformat(kept) == datetime.fromisoformat(item["publish_at"]) + timedelta(hours=1)


async def test_all_get_the_same_time(client, instagram):
    ids = [item["id"] for item in (await client.post(URL, json=images(instagram, 3))).json()["items"]]
    draft = (await write(client, instagram))["id"]
    answer = await client.post(TIMES, json={"ids": [*ids, draft], "publish_at": "2030-01-01T09:00:00+01:00"})
    assert answer.status_code == 200, answer.text
    for item in answer.json()["items"]:
        assert datetime.fromisoformat(item["publish_at"]) == datetime(2030, 1, 1, 8, tzinfo=UTC)
    assert answer.json()["items"][-1]["status"] == "draft", "a time does not approve a draft"


async def test_one_that_cannot_move_keeps_all_where_they_are(client, instagram):
    posts = images(instagram, 2)
    ids = [item["id"] for item in (await client.post(URL, json=posts)).json()["items"]]
    under_way, without_time = await write(client, instagram), await write(client, instagram)
    await client.post(f"/api/v1/posts/{under_way['id']}/publish")
    for wrong, status in (
        (under_way["id"], 409),
        (without_time["id"], 422),
        (str(uuid4()), 404),
        (ids[0], 422),
    ):
        found = problem(await client.post(TIMES, json={"ids": [*ids, wrong], "shift_s": 60}), status)
        assert [error["field"] for error in found["errors"]] == ["ids[2]"]
        assert found["errors"][0]["fix"]
    for post_id, post in zip(ids, posts, strict=True):
        kept = (await client.get(f"/api/v1/posts/{post_id}")).json()["publish_at"]
        assert datetime.fromisoformat(kept) == datetime.fromisoformat(post["publish_at"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"shift_s": 60}, "ids"),
        ({"ids": [], "shift_s": 60}, "ids"),
        ({"ids": ["x"], "shift_s": 60}, "ids[0]"),
        ({"ids": [str(uuid4())]}, "shift_s"),
        ({"ids": [str(uuid4())], "shift_s": 60, "publish_at": "2030-01-01T00:00:00Z"}, "shift_s"),
        ({"ids": [str(uuid4())], "publish_at": "2030-01-01T00:00:00"}, "publish_at"),
        ({"ids": [str(uuid4())], "shift_s": 1.5}, "shift_s"),
        ({"ids": [str(uuid4())], "shift_s": 10**12}, "shift_s"),
    ],
)
async def test_a_wrong_question_is_told_what_is_wrong(client, body, field):
    found = problem(await client.post(TIMES, json=body), 422)
    assert [error["field"] for error in found["errors"]] == [field]


async def test_another_workspaces_posts_do_not_move(client, other_client, instagram):
    post = await write(client, instagram, publish_at="2030-01-01T09:00:00Z")
    problem(await other_client.post(TIMES, json={"ids": [post["id"]], "shift_s": 60}), 404)
    assert (await client.get(f"/api/v1/posts/{post['id']}")).json()["publish_at"] == post["publish_at"]


async def test_a_moved_occurrence_leaves_its_series_alone(client, instagram):
    post = await write(client, instagram, publish_at="2030-01-01T09:00:00Z", recurrence="FREQ=DAILY")
    await client.post(TIMES, json={"ids": [post["id"]], "shift_s": 600})
    moved = (await client.get(f"/api/v1/posts/{post['id']}")).json()
    assert (moved["series_id"], moved["recurrence"]) == (post["series_id"], "FREQ=DAILY")
