"""The doors to comments: webhooks in, decisions out, nobody else's."""

import json
from uuid import uuid4

import pytest

from tests.comments.conftest import IG_USER, Wall
from tests.conftest import add_key, calling
from tests.webhooks.conftest import Meta, meta

__all__ = ["meta"]


@pytest.fixture
async def as_operator(app, database, wall: Wall):
    async with calling(app, await add_key(database, wall.workspace_id, role="operator")) as client:
        yield client


def told(wall: Wall, comment_id: str, text: str, *, flat: bool = False, author: str = "77", **more):
    value = {"id": comment_id, "text": text, "from": {"id": author, "username": "ada"},
             "media": {"id": wall.media}, **more}  # fmt: skip
    if flat:
        return {
            "object": "instagram",
            "entry": [{"id": IG_USER, "time": 1, "field": "comments", "value": value}],
        }
    change = {"field": "comments", "value": value}
    return {"object": "instagram", "entry": [{"id": IG_USER, "time": 1, "changes": [change]}]}


@pytest.mark.parametrize("flat", [True, False])
async def test_a_webhook_brings_a_comment_at_once_and_a_poll_does_not_double_it(wall: Wall, meta: Meta, flat):
    comment_id = wall.comment("When do you open?")
    for _ in range(3):
        answer = await meta.tell(told(wall, comment_id, "When do you open?", flat=flat), "instagram")
        assert answer.status_code == 200
    assert (await wall.poll())["comments_found"] == 0
    await wall.work()
    assert len(wall.said()) == 1
    assert (await wall.one())["post_id"] == wall.post_id


async def test_our_own_comment_by_webhook_is_nobodys_work(wall: Wall, meta: Meta):
    await meta.tell(told(wall, "1809", "Thanks all", author=IG_USER), "instagram")
    (own,) = await wall.comments(own=True)
    assert own["work"] is None


async def test_a_comment_under_an_unknown_medium_is_handled_all_the_same(wall: Wall, meta: Meta):
    body = told(wall, "18099", "When do you open?")
    body["entry"][0]["changes"][0]["value"]["media"]["id"] = "999"
    await meta.tell(body, "instagram")
    row = await wall.one()
    assert (row["post_id"], row["media_id"], row["work"]) == (None, "999", "decide")


async def test_people_see_comments_with_reasons_and_replies(wall: Wall, as_operator):
    wall.comment("When do you open?", username="ada")
    await wall.look()
    answer = await as_operator.get("/api/v1/comments", params={"triage": "respond", "own": "false"})
    (shown,) = answer.json()["items"]
    assert shown["decision"]["reason"]
    assert shown["replies"][0]["status"] == "sent"
    assert (await as_operator.get(f"/api/v1/comments/{shown['id']}")).json()["text"] == "When do you open?"
    assert (await as_operator.get(f"/api/v1/comments/{uuid4()}")).status_code == 404


async def test_a_person_decides_by_the_door(wall: Wall, as_operator):
    wall.comment("Do you ship by helicopter?")
    await wall.look()
    url = f"/api/v1/comments/{(await wall.one())['id']}/decision"
    key = {"Idempotency-Key": "once"}
    body = {"decision": "RESPOND", "reply": "Not yet!"}
    for _ in range(2):
        answer = await as_operator.post(url, json=body, headers=key)
        assert answer.status_code == 200, answer.text
        assert answer.json()["triage"] == "respond"
    await wall.work()
    assert wall.said() == ["Not yet!"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"decision": "MAYBE"}, "decision"),
        ({"decision": "IGNORE", "reply": "No"}, "reply"),
        ({"decision": "RESPOND", "reply": "   "}, "reply"),
        ({"decision": "RESPOND", "reply": "x" * 2201}, "reply"),
        ({}, "decision"),
    ],
)
async def test_a_bad_decision_names_its_field(wall: Wall, as_operator, body, field):
    wall.comment("Hm")
    await wall.poll()
    answer = await as_operator.post(f"/api/v1/comments/{(await wall.one())['id']}/decision", json=body)
    assert answer.status_code == 422
    assert field in json.dumps(answer.json())
