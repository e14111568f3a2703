"""Comments: written by people, read page by page, answered, hidden, and told by webhook."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from socialsync.simulator.graph.fields import inner_fields
from tests.simulator.asking import IG, client_of, ok, post, refusal
from tests.simulator.receiver import SECRET, Receiver
from tests.simulator.server import SimulatorServer

FIELDS = "id,text,timestamp,username,from,like_count,hidden,parent_id"
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def passes(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(clock: Clock) -> Iterator[SimulatorServer]:
    """A world whose time is ours."""
    with SimulatorServer(now=lambda: clock.now) as world:
        yield world


@pytest.fixture
def receiver(simulator: SimulatorServer) -> Iterator[Receiver]:
    with Receiver() as receiver:
        simulator.tell(receiver.url, SECRET)
        yield receiver
        simulator.reset()


def write(simulator: SimulatorServer, media: str, text: str = "Lovely", **more: Any) -> str:
    """A comment's id."""
    (comment_id,) = simulator.comments(comments=[{"media_id": media, "text": text, **more}])["ids"]
    return comment_id


def listed(graph: httpx.Client, media: str, **params: Any) -> Any:
    return ok(graph.get(f"/{media}/comments", params={"fields": FIELDS, "limit": 50, **params}))


def texts(page: Any) -> list[str]:
    return [comment["text"] for comment in page["data"]]


def told(receiver: Receiver) -> list[dict[str, Any]]:
    """Every comment of every body, in both shapes."""
    entries = [entry for body in receiver.bodies for entry in json.loads(body)["entry"]]
    changes = [change for entry in entries for change in entry.get("changes", [entry])]
    return [change["value"] for change in changes if change.get("field") == "comments"]


# Reading


def test_a_comment_shows_the_fields_that_are_asked_for(graph, simulator):
    media = post(graph)
    comment = write(simulator, media, "Très joli", username="ada", person="1254")
    (shown,) = listed(graph, media)["data"]
    at = datetime.strptime(shown.pop("timestamp"), "%Y-%m-%dT%H:%M:%S%z")
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)
    assert shown == {
        "id": comment,
        "text": "Très joli",
        "username": "ada",
        "from": {"id": "1254", "username": "ada"},
        "like_count": 0,
        "hidden": False,
    }
    assert set(ok(graph.get(f"/{media}/comments"))["data"][0]) == {"id", "text", "timestamp"}
    assert ok(graph.get(f"/{comment}?fields=text,media")) == {
        "id": comment,
        "text": "Très joli",
        "media": {"id": media},
    }
    assert refusal(graph.get(f"/{media}/comments?fields=id,caption")) == (100, None)
    assert ok(graph.get(f"/{media}?fields=comments_count"))["comments_count"] == 1


def test_comments_come_newest_first_fifty_at_most(graph, simulator):
    media = post(graph)
    simulator.comments(crowds=[{"media_id": media, "count": 120}])
    page = listed(graph, media, limit=500)
    assert texts(page) == [f"Comment {number}" for number in range(120, 70, -1)]
    seen = page["data"]
    while following := page.get("paging", {}).get("next"):
        page = ok(httpx.get(following))  # carries what it needs, the token too
        seen += page["data"]
    assert [comment["text"] for comment in seen] == [f"Comment {number}" for number in range(120, 0, -1)]
    assert len({comment["from"]["id"] for comment in seen}) == 120
    assert "a-token" not in str(simulator.ledger())


def test_pages_shift_under_the_cursor(graph, simulator):
    media = post(graph)
    ids = simulator.comments(crowds=[{"media_id": media, "count": 6}])["ids"]
    first = listed(graph, media, limit=2)
    assert texts(first) == ["Comment 6", "Comment 5"]
    write(simulator, media, "New")
    second = listed(graph, media, limit=2, after=first["paging"]["cursors"]["after"])
    assert texts(second) == ["Comment 5", "Comment 4"]
    simulator.comments(deletions=[ids[3], ids[4]])
    third = listed(graph, media, limit=2, after=second["paging"]["cursors"]["after"])
    assert texts(third) == ["Comment 1"]
    assert "next" not in third["paging"]


@pytest.mark.parametrize("query", ["limit=0", "limit=many", "after=123", "after=Y29tbWVudDp4", "offset=1"])
def test_a_list_refuses_what_it_does_not_understand(graph, query):
    media = post(graph)
    assert refusal(graph.get(f"/{media}/comments?{query}")) == (100, None)


def test_replies_come_with_their_comment_and_by_themselves(graph, simulator):
    media = post(graph)
    comment = write(simulator, media)
    replies = [{"parent_id": comment, "text": str(number)} for number in range(30)]
    ids = simulator.comments(comments=replies)["ids"]
    simulator.comments(comments=[{"parent_id": ids[0], "text": "to a reply"}])
    asked = "id,replies{id,text,parent_id}"
    (shown,) = listed(graph, media, fields=asked)["data"]
    assert [reply["text"] for reply in shown["replies"]["data"]] == [str(number) for number in range(25)]
    assert shown["replies"]["data"][0] == {"id": ids[0], "text": "0", "parent_id": comment}
    page = ok(httpx.get(shown["replies"]["paging"]["next"]))
    assert texts(page) == ["25", "26", "27", "28", "29", "to a reply"]
    assert page["data"][-1]["parent_id"] == comment
    assert ok(graph.get(f"/{media}?fields=comments_count"))["comments_count"] == 32
    assert refusal(graph.get(f"/{media}/comments?fields=replies{{caption}}")) == (100, None)


def test_an_edit_changes_the_text_and_a_deletion_takes_the_replies_too(graph, simulator):
    media = post(graph)
    comment, other = write(simulator, media), write(simulator, media, "Other")
    reply = write(simulator, media, "Indeed", parent_id=comment)
    simulator.comments(edits=[{"id": comment, "text": "Ugly"}])
    assert texts(listed(graph, media)) == ["Other", "Ugly"]
    simulator.comments(deletions=[comment])
    assert [each["id"] for each in listed(graph, media)["data"]] == [other]
    for gone in (comment, reply):
        assert refusal(graph.get(f"/{gone}?fields={FIELDS}")) == (100, 33)
        assert refusal(graph.get(f"/{gone}/replies")) == (100, 33)
        assert refusal(graph.post(f"/{gone}/replies", json={"message": "Thanks"})) == (100, 33)
        assert refusal(graph.post(f"/{gone}", json={"hide": True})) == (100, 33)


def test_a_crowd_comes_at_its_pace(world: SimulatorServer, clock: Clock):
    with client_of(world) as graph:
        media = post(graph)
        world.comments(crowds=[{"media_id": media, "count": 10, "per_s": 2, "texts": ["a{n}", "b{n}"]}])
        assert texts(listed(graph, media)) == ["a1"]
        clock.passes(seconds=1.2)
        assert texts(listed(graph, media)) == ["a3", "b2", "a1"]
        clock.passes(minutes=1)
        assert len(listed(graph, media)["data"]) == 10


def test_media_from_elsewhere_take_their_place_in_time(world: SimulatorServer, clock: Clock):
    old = int((NOON - timedelta(days=3)).timestamp())
    with client_of(world) as graph:
        newest = post(graph)
        elsewhere = {"account": IG, "caption": "From the phone", "media_type": "REELS", "at": old}
        (media,) = world.comments(media=[elsewhere])["media"]
        page = ok(graph.get(f"/{IG}/media?fields=caption,media_product_type,timestamp"))
        assert [each["id"] for each in page["data"]] == [newest, media]
        assert page["data"][1]["media_product_type"] == "REELS"
        write(world, media)
        assert len(listed(graph, media)["data"]) == 1


@pytest.mark.parametrize(
    "happened",
    [
        {"comments": [{"media_id": "18012345678901234", "text": "Hello"}]},
        {"comments": [{"parent_id": "18112345678901234", "text": "Hello"}]},
        {"comments": [{"text": "Hello"}]},
        {"crowds": [{"media_id": "18012345678901234", "count": 1}]},
        {"crowds": [{"media_id": "1", "count": 0}]},
        {"edits": [{"id": "18112345678901234", "text": "Hello"}]},
        {"deletions": ["18112345678901234"]},
        {"likes": []},
    ],
)
def test_what_cannot_happen_is_refused(control, happened):
    assert control.post("/inbound/comments", json=happened).status_code == 422


def test_a_comment_of_another_account_is_refused(graph, control):
    media = post(graph)
    body = {"comments": [{"media_id": media, "account": "17841400000000099", "text": "Hello"}]}
    assert control.post("/inbound/comments", json=body).status_code == 422


# Answering


def test_a_reply_is_seen_below_the_comment_and_in_the_ledger(graph, simulator):
    media = post(graph)
    comment = write(simulator, media)
    first = ok(graph.post(f"/{comment}/replies", json={"message": "Thank you"}))["id"]
    second = ok(graph.post(f"/{first}/replies", json={"message": "Again"}))["id"]
    page = ok(graph.get(f"/{comment}/replies?fields={FIELDS},user"))
    assert [(each["id"], each["parent_id"]) for each in page["data"]] == [(first, comment), (second, comment)]
    author = page["data"][0]["from"]
    assert author["id"] == IG
    assert author["self_ig_scoped_id"] != IG
    (effect, _) = simulator.ledger(kind="instagram.reply")
    assert (effect["id"], effect["account"], effect["text"]) == (first, IG, "Thank you")
    assert (effect["comment_id"], effect["media_id"]) == (comment, media)


def test_no_reply_where_none_is_taken(graph, simulator):
    media = post(graph)
    comment = write(simulator, media)
    for body in ({}, {"message": ""}, {"message": "a" * 2_201}, {"message": "Hello", "link": "x"}):
        assert refusal(graph.post(f"/{comment}/replies", json=body)) == (100, None)
    ok(graph.post(f"/{comment}?hide=true"))
    assert refusal(graph.post(f"/{comment}/replies", json={"message": "Hello"})) == (100, None)
    ok(graph.post(f"/{comment}", json={"hide": False}))
    assert ok(graph.post(f"/{media}", json={"comment_enabled": False})) == {"success": True}
    assert ok(graph.get(f"/{media}?fields=is_comment_enabled"))["is_comment_enabled"] is False
    assert refusal(graph.post(f"/{comment}/replies", json={"message": "Hello"})) == (100, None)
    assert simulator.ledger(kind="instagram.reply") == []


def test_a_comment_is_hidden_as_often_as_one_likes_but_none_of_ones_own(graph, simulator):
    media = post(graph)
    comment, own = write(simulator, media), write(simulator, media, own=True)
    for _ in range(2):
        assert ok(graph.post(f"/{comment}", json={"hide": True})) == {"success": True}
    assert ok(graph.get(f"/{comment}?fields=hidden"))["hidden"] is True
    assert len(simulator.ledger(kind="instagram.hide")) == 1
    assert refusal(graph.post(f"/{own}", json={"hide": True})) == (100, None)
    assert refusal(graph.post(f"/{comment}", json={})) == (100, None)


def private(graph: httpx.Client, comment: str, text: str = "Hello", account: str = IG) -> httpx.Response:
    body = {"recipient": {"comment_id": comment}, "message": {"text": text}}
    return graph.post(f"/{account}/messages", json=body)


def test_one_private_reply_per_comment(graph, simulator):
    media = post(graph)
    comment = write(simulator, media, person="1254")
    answer = ok(private(graph, comment))
    assert answer["recipient_id"] == "1254"
    assert refusal(private(graph, comment)) == (100, 2534025)
    (effect,) = simulator.ledger(kind="instagram.private_reply")
    assert (effect["id"], effect["comment_id"], effect["recipient"]) == (
        answer["message_id"],
        comment,
        "1254",
    )
    ok(private(graph, write(simulator, media, person="1254"), account="me"))


def test_a_private_reply_comes_within_seven_days(world: SimulatorServer, clock: Clock):
    with client_of(world) as graph:
        media = post(graph)
        early, late = write(world, media), write(world, media)
        clock.passes(days=7)
        ok(private(graph, early))
        clock.passes(seconds=1)
        assert refusal(private(graph, late)) == (100, 2534025)


def test_no_private_reply_to_nobody_nor_to_oneself(graph, simulator):
    media = post(graph)
    comment, own = write(simulator, media), write(simulator, media, own=True)
    assert refusal(private(graph, own)) == (100, 2534025)
    assert refusal(private(graph, "18112345678901234")) == (100, 2534025)
    assert refusal(private(graph, comment, account="17841400000000099")) == (100, 2534025)
    assert refusal(private(graph, comment, "")) == (100, None)
    assert refusal(private(graph, comment, "ä" * 501)) == (100, 2534038)
    ok(private(graph, comment))


# Faults


def test_every_call_may_go_wrong(graph, simulator):
    media = post(graph)
    comment = write(simulator, media)
    calls = {
        "instagram.comments": lambda: graph.get(f"/{media}/comments"),
        "instagram.replies": lambda: graph.get(f"/{comment}/replies"),
        "instagram.comment": lambda: graph.get(f"/{comment}"),
        "instagram.reply": lambda: graph.post(f"/{comment}/replies", json={"message": "Hello"}),
        "instagram.private_reply": lambda: private(graph, comment),
        "instagram.hide": lambda: graph.post(f"/{comment}", json={"hide": True}),
    }
    for kind, call in calls.items():
        match = {"kind": kind, "account": IG}
        simulator.fault(action="retry_after", retry_after_s=60, match=match)
        assert refusal(call()) == (80002, None)
        simulator.fault(action="status", status=500, match=match)
        assert call().status_code == 500
        simulator.fault(action="usage", call_count=97, match=match)
        answer = call()
        (used,) = json.loads(answer.headers["X-Business-Use-Case-Usage"])[IG]
        assert (answer.status_code, used["call_count"]) == (200, 97)


def test_a_reply_whose_answer_is_lost_has_happened(graph, simulator):
    media = post(graph)
    comment = write(simulator, media)
    simulator.fault(action="lost_answer", match={"kind": "instagram.reply"})
    with pytest.raises(httpx.RemoteProtocolError):
        graph.post(f"/{comment}/replies", json={"message": "Hello"})
    (effect,) = simulator.ledger(kind="instagram.reply")
    assert effect["answer_lost"]
    assert texts(ok(graph.get(f"/{comment}/replies"))) == ["Hello"]


# Webhooks


def test_a_comment_is_told_alone_in_one_shape_and_together_in_the_other(graph, simulator, receiver):
    media = post(graph)
    comment = write(simulator, media, username="ada", person="1254")
    (body,) = receiver.wait_bodies(1)
    (entry,) = json.loads(body)["entry"]
    assert receiver.paths == ["/webhooks/instagram"]
    assert (entry["id"], entry["field"]) == (IG, "comments")
    assert entry["value"] == {
        "id": comment,
        "from": {"id": "1254", "username": "ada"},
        "media": {"id": media, "media_product_type": "FEED"},
        "text": "Lovely",
    }
    simulator.comments(comments=[{"parent_id": comment, "text": str(number)} for number in range(2)])
    receiver.wait_bodies(2)
    (entry,) = json.loads(receiver.bodies[1])["entry"]
    assert [change["value"]["parent_id"] for change in entry["changes"]] == [comment, comment]


def test_own_replies_and_private_ones_are_told_too(graph, simulator, receiver):
    media = post(graph)
    comment = write(simulator, media, person="1254")
    reply = ok(graph.post(f"/{comment}/replies", json={"message": "Thanks"}))["id"]
    message = ok(private(graph, comment))["message_id"]
    receiver.wait_bodies(3)
    own = told(receiver)[1]
    assert (own["id"], own["from"]["id"], own["parent_id"]) == (reply, IG, comment)
    assert own["from"]["self_ig_scoped_id"]
    (event,) = json.loads(receiver.bodies[2])["entry"][0]["messaging"]
    assert (event["recipient"]["id"], event["message"]["mid"]) == ("1254", message)
    assert event["message"]["is_echo"]


def test_thousands_are_told_in_batches(graph, simulator, receiver):
    media = post(graph)
    ids = simulator.comments(crowds=[{"media_id": media, "count": 2_000}])["ids"]
    receiver.wait_bodies(20)
    assert [value["id"] for value in told(receiver)] == ids


def test_an_accounts_webhooks_may_be_off(graph, simulator, receiver):
    media, other = post(graph), post(graph, "17841400000000001")
    simulator.fault(action="no_comments", times=None, match={"account": IG})
    quiet = write(simulator, media)
    loud = write(simulator, other)
    receiver.wait_bodies(1)
    assert [value["id"] for value in told(receiver)] == [loud]
    assert [each["id"] for each in listed(graph, media)["data"]] == [quiet]


def test_comments_are_told_twice_in_another_order_and_late(graph, simulator, receiver):
    media = post(graph)
    simulator.fault(action="duplicate_comments", copies=3)
    first = write(simulator, media)
    receiver.wait_bodies(1)
    assert [value["id"] for value in told(receiver)] == [first] * 3
    simulator.fault(action="reorder_comments", times=None)
    ids = simulator.comments(crowds=[{"media_id": media, "count": 3}])["ids"]
    receiver.wait_bodies(2)
    assert [value["id"] for value in told(receiver)[3:]] == ids[::-1]
    deadline = time.monotonic() + 10
    while simulator.told()["waiting"] and time.monotonic() < deadline:
        time.sleep(0.01)  # our answer is on its way to it
    simulator.fault(action="delay_comments", seconds=600)
    write(simulator, media)
    assert simulator.told()["waiting"] == 1


def test_edits_and_deletions_are_told_to_nobody(graph, simulator, receiver):
    media = post(graph)
    comment = write(simulator, media)
    simulator.comments(edits=[{"id": comment, "text": "Ugly"}], deletions=[comment])
    last = write(simulator, media)
    receiver.wait_bodies(2)
    assert [value["id"] for value in told(receiver)] == [comment, last]


@pytest.mark.parametrize(
    ("spelled", "inner"),
    [
        (None, ""),
        ("id,text", ""),
        ("replies", ""),
        ("id,replies{id,text}", "id,text"),
        ("replies{id,from{username}},id", "id,from{username}"),
        ("media{replies{id}},replies{text}", "text"),
        ("id, replies {id}", "id"),
        ("replies{id", "id"),
        ("}replies{id}", ""),
    ],
)
def test_what_is_asked_of_nested_objects_is_told_apart(spelled, inner):
    assert inner_fields(spelled, "replies") == inner


def test_people_comment_by_the_door_for_all_that_people_do(simulator):
    made = simulator._client.post(
        "/_sim/inbound", json={"media": [{"account": "178", "caption": "Rye"}]}
    ).json()
    answer = simulator._client.post(
        "/_sim/inbound", json={"comments": [{"media_id": made["media"][0], "text": "Lovely"}]}
    )
    assert answer.status_code == 202
    assert len(answer.json()["comment_ids"]) == 1
