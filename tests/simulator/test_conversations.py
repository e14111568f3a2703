"""Instagram remembers what was written, whoever was told; and shows who reads and types."""

import httpx
import pytest

from tests.simulator.asking import IG, ok, refusal

PERSON, OTHER = "1254477777772919", "1254477777772920"
FIELDS = "id,updated_time,participants,messages.limit(20){id,created_time,from,to,message,attachments}"


def writes(simulator, text: str, at: int, *, person: str = PERSON, **more) -> None:
    message = {"platform": "instagram", "account": IG, "person": person, "text": text, "at": at}
    simulator.happens(messages=[message | more])


def listed(graph, **more) -> dict:
    return ok(graph.get(f"/{IG}/conversations", params={"platform": "instagram", "fields": FIELDS, **more}))


@pytest.fixture
def outage(simulator):
    simulator.lose_webhooks()
    return simulator


def test_what_was_said_while_webhooks_were_lost_is_listed_newest_first(graph, outage):
    writes(outage, "Hello?", 1_772_625_600)
    writes(outage, "Are you open?", 1_772_625_610)
    writes(outage, "From the app", 1_772_625_620, echo=True)
    writes(outage, "Earlier", 1_772_625_000, person=OTHER)
    first, second = listed(graph)["data"]
    assert first["updated_time"] == "2026-03-04T12:00:20+0000"
    assert [(each["message"], each["from"]["id"]) for each in first["messages"]["data"]] == [
        ("From the app", IG), ("Are you open?", PERSON), ("Hello?", PERSON),
    ]  # fmt: skip
    assert first["messages"]["data"][0]["to"]["data"][0]["id"] == PERSON
    assert {each["id"] for each in second["participants"]["data"]} == {OTHER, IG}
    assert outage.told()["lost"] == 4


def test_a_message_of_ours_is_among_them(graph, outage):
    sent = ok(graph.post(f"/{IG}/messages", json={"recipient": {"id": PERSON}, "message": {"text": "Hi"}}))
    (message,) = listed(graph)["data"][0]["messages"]["data"]
    assert (message["id"], message["message"]) == (sent["message_id"], "Hi")


def test_conversations_come_page_by_page(graph, outage):
    for n in range(5):
        writes(outage, f"I am {n}", 1_772_625_600 + n, person=f"12544777777729{n:02d}")
    page = listed(graph, limit=2)
    seen = page["data"]
    while after := page["paging"]["cursors"]["after"] if "next" in page["paging"] else None:
        page = listed(graph, limit=2, after=after)
        seen += page["data"]
    assert [each["messages"]["data"][0]["message"] for each in seen] == [f"I am {n}" for n in (4, 3, 2, 1, 0)]
    assert refusal(graph.get(f"/{IG}/conversations?platform=instagram&after=x")) == (100, None)
    assert refusal(graph.get(f"/{IG}/conversations?platform=messenger")) == (100, None)


def test_only_twenty_messages_have_details(graph, outage):
    for n in range(30):
        writes(outage, f"message {n}", 1_772_625_600 + n)
    messages = listed(graph)["data"][0]["messages"]["data"]
    assert [each.get("message") for each in messages[:2]] == ["message 29", "message 28"]
    assert sum("from" in each for each in messages) == 20
    assert messages[-1].keys() == {"id", "created_time"}


def test_files_and_deletions_are_as_graph_has_them(graph, outage):
    image = {"type": "image", "payload": {"url": "https://example.org/a.jpg"}}
    writes(outage, "", 1_772_625_600, content={"message": {"mid": "m1", "attachments": [image]}})
    writes(outage, "", 1_772_625_601, content={"message": {"mid": "m2", "text": "Oops"}})
    writes(outage, "", 1_772_625_602, content={"message": {"mid": "m2", "is_deleted": True}})
    (message,) = listed(graph)["data"][0]["messages"]["data"]
    assert message["attachments"]["data"] == [{"image_data": {"url": "https://example.org/a.jpg"}}]


def test_webhooks_arrive_again_after_the_outage(outage):
    outage.lose_webhooks(False)
    with pytest.raises(AssertionError, match="Nobody is told"):
        writes(outage, "Hello?", 1_772_625_600)


@pytest.mark.parametrize("action", ["mark_seen", "typing_on"])
def test_what_the_account_does_is_seen(graph, simulator, action):
    body = {"recipient": {"id": PERSON}, "sender_action": action}
    assert ok(graph.post(f"/{IG}/messages", json=body)) == {"recipient_id": PERSON}
    (effect,) = simulator.ledger(kind="instagram.sender_action")
    assert (effect["id"], effect["action"], effect["typing"]) == (PERSON, action, action == "typing_on")


@pytest.mark.parametrize(
    "body",
    [
        {"recipient": {"id": PERSON}, "sender_action": "dancing"},
        {"recipient": {"id": "Ada"}, "sender_action": "typing_on"},
        {"recipient": {"id": PERSON}, "sender_action": "typing_on", "message": {"text": "Hi"}},
    ],
)
def test_a_wrong_action_is_refused(graph: httpx.Client, body):
    assert refusal(graph.post(f"/{IG}/messages", json=body)) == (100, None)
