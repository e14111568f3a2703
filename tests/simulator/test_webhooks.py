"""What becomes of messages, told to whoever asked for it."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from socialsync.simulator import Callback
from tests.simulator.asking import PHONE, client_of, message, ok, send
from tests.simulator.receiver import PATIENCE, SECRET, Receiver
from tests.simulator.server import SimulatorServer


@pytest.fixture
def receiver(simulator: SimulatorServer) -> Iterator[Receiver]:
    with Receiver() as receiver:
        simulator.tell(receiver.url, SECRET)
        yield receiver
        simulator.reset()


def test_a_message_is_sent_delivered_and_read_in_metas_shape(graph, receiver):
    wamid = ok(send(graph, biz_opaque_callback_data="delivery-7"))["messages"][0]["id"]
    statuses = receiver.wait(3)
    assert receiver.names == ["sent", "delivered", "read"]
    assert receiver.paths == ["/webhooks/whatsapp"] * len(receiver.bodies)
    sent = json.loads(receiver.bodies[0])
    assert sent["object"] == "whatsapp_business_account"
    (change,) = sent["entry"][0]["changes"]
    assert change["field"] == "messages"
    value = change["value"]
    assert value["messaging_product"] == "whatsapp"
    assert value["metadata"]["phone_number_id"] == PHONE
    assert value["metadata"]["display_phone_number"].isdigit()
    assert value["contacts"] == [{"wa_id": "33612345678"}]
    for status in statuses:
        assert status["id"] == wamid
        assert status["recipient_id"] == "33612345678"
        assert status["biz_opaque_callback_data"] == "delivery-7"
        assert abs(int(status["timestamp"]) - datetime.now(UTC).timestamp()) < 60
    assert statuses[0]["pricing"] == {
        "billable": False,
        "pricing_model": "PMP",
        "type": "free_customer_service",
        "category": "service",
    }
    assert "pricing" not in statuses[2]


def test_what_was_not_given_is_not_told(graph, receiver):
    ok(send(graph, to=None, recipient="US.13491208655302741918"))
    (sent, *_) = receiver.wait(3)
    assert "biz_opaque_callback_data" not in sent
    assert "recipient_id" not in sent
    assert sent["recipient_user_id"] == "US.13491208655302741918"


def test_the_body_is_signed_as_it_is_sent_with_everything_beyond_ascii_escaped(graph, receiver):
    ok(send(graph, biz_opaque_callback_data="é/👋"))
    (sent, *_) = receiver.wait(3)
    assert sent["biz_opaque_callback_data"] == "é/👋"
    assert rb"\u00e9\/\ud83d\udc4b" in receiver.bodies[0]


def test_several_messages_are_told_together(graph, receiver):
    receiver.hold.clear()
    for number in range(12):
        ok(send(graph, to=f"+3361234{number:04d}"))
    receiver.hold.set()
    receiver.wait(36)
    assert len(receiver.bodies) < 36
    largest = json.loads(max(receiver.bodies, key=len))
    changes = [change for entry in largest["entry"] for change in entry["changes"]]
    assert sum(len(change["value"]["statuses"]) for change in changes) > 1


def test_a_batch_has_several_entries_changes_and_statuses(graph, receiver, simulator):
    receiver.hold.clear()
    simulator.happens(bodies=[{"platform": "whatsapp", "body": {"entry": []}}])
    receiver.wait_bodies(1)
    some = [{"id": f"wamid.{n}", "status": "read", "account": "1", "recipient": "+3361"} for n in range(11)]
    simulator.happens(statuses=[*some, {**some[0], "account": "2"}])
    receiver.hold.set()
    receiver.wait(12)
    entries = json.loads(receiver.bodies[-1])["entry"]
    assert [len(entry["changes"]) for entry in entries] == [2, 1]
    assert entries[0]["id"] != entries[1]["id"]
    assert [len(change["value"]["statuses"]) for change in entries[0]["changes"]] == [10, 1]


def test_who_does_not_answer_200_is_called_again_with_the_same_body(graph, simulator):
    with Receiver(answers=(503, 302)) as receiver:
        simulator.tell(receiver.url, SECRET)
        ok(send(graph))
        deadline = time.monotonic() + PATIENCE
        while simulator.told()["told"] < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert (simulator.told()["told"], simulator.told()["refused"]) == (3, 2)
        simulator.reset()
    times = Counter(receiver.bodies)
    assert times[receiver.bodies[0]] > 1
    assert times.total() - len(times) == 2, "the second refusal may have met the news after it"
    assert {status["status"] for status in receiver.updates} == {"sent", "delivered", "read"}


def test_who_was_away_is_told_on_coming_back(graph, simulator):
    with Receiver() as gone:
        port = int(gone.url.rpartition(":")[2])
    simulator.tell(f"http://127.0.0.1:{port}", SECRET)
    for _ in range(5):
        ok(send(graph))
    with Receiver(port) as back:
        back.wait(15)
        simulator.reset()
    assert simulator.told()["waiting"] == 0


def test_it_is_known_how_much_was_told(graph, receiver, simulator):
    assert simulator.told() == {
        "url": receiver.url,
        "told": 0,
        "refused": 0,
        "given_up": 0,
        "lost": 0,
        "waiting": 0,
    }
    simulator.fault(action="delay_statuses", seconds=600)
    ok(send(graph))
    assert simulator.told()["waiting"] == 3
    assert SECRET not in json.dumps(simulator.told())


def test_a_slow_receiver_does_not_delay_answers(graph, receiver):
    receiver.hold.clear()
    ok(send(graph))
    receiver.wait_bodies(1)
    ok(send(graph))


def test_a_lost_answer_is_told_all_the_same(graph, receiver, simulator):
    simulator.fault(action="lost_answer")
    with pytest.raises(httpx.RemoteProtocolError):
        send(graph, biz_opaque_callback_data="delivery-1")
    assert receiver.wait(3)[0]["biz_opaque_callback_data"] == "delivery-1"


def test_a_refused_or_dropped_message_is_not_told(graph, receiver, simulator):
    assert send(graph, text=None).status_code == 400
    simulator.fault(action="drop")
    with pytest.raises(httpx.RemoteProtocolError):
        send(graph)
    ok(send(graph, to="+33698765432"))
    assert {status["recipient_id"] for status in receiver.wait(3)} == {"33698765432"}


def test_nobody_is_told_without_having_asked(graph, receiver, control, simulator):
    assert control.delete("/webhooks").status_code == 204
    simulator.fault(action="status_failed")
    ok(send(graph))
    assert simulator.told()["url"] is None
    assert simulator.faults()[0]["hits"] == 0
    answer = control.post("/inbound", json={"statuses": []})
    assert (answer.status_code, answer.json()["detail"][:14]) == (409, "Nobody is told")
    assert receiver.bodies == []


def test_a_reset_goes_back_to_the_callback_of_the_start():
    with Receiver() as receiver, SimulatorServer(callback=Callback(f"{receiver.url}/", SECRET)) as world:
        world.tell("http://127.0.0.1:9", "another")
        with client_of(world) as graph:
            ok(send(graph))
            world.reset()
            ok(send(graph, to="+33698765432"))
        assert {status["recipient_id"] for status in receiver.wait(3)} == {"33698765432"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "127.0.0.1:8000", "app_secret": "x"}, "url"),
        ({"url": "http://127.0.0.1:99999", "app_secret": "x"}, "url"),
        ({"url": "http://127.0.0.1"}, "app_secret"),
        ({"url": "http://127.0.0.1", "app_secret": "x", "secret": "y"}, "secret"),
    ],
)
def test_a_callback_that_cannot_be_called_is_refused(control, body, field):
    answer = control.post("/webhooks", json=body)
    assert answer.status_code == 422
    assert [problem["field"] for problem in answer.json()["detail"]] == [field]


def test_a_status_can_be_made_to_happen(graph, receiver, simulator):
    simulator.fault(action="no_statuses")
    wamid = ok(send(graph, biz_opaque_callback_data="d-1"))["messages"][0]["id"]
    simulator.happens(
        statuses=[
            {"id": wamid, "status": "played", "at": 1_750_030_073},
            {"id": "wamid.x", "status": "failed", "account": "7", "recipient": "+4912", "tracker": "d-2",
             "error": {"code": 131026}},
        ]
    )  # fmt: skip
    played, failed = receiver.wait(2)
    assert played == {
        "id": wamid,
        "status": "played",
        "timestamp": "1750030073",
        "recipient_id": "33612345678",
        "biz_opaque_callback_data": "d-1",
    }
    assert (failed["recipient_id"], failed["biz_opaque_callback_data"]) == ("4912", "d-2")
    assert failed["errors"][0]["title"] == "Message undeliverable"


def test_a_whole_body_can_be_told_to_either_platform(receiver, simulator):
    body = {"object": "instagram", "entry": []}
    simulator.happens(bodies=[{"platform": "instagram", "body": body}])
    assert json.loads(receiver.wait_bodies(1)[0]) == body
    assert receiver.paths == ["/webhooks/instagram"]


def test_people_write_to_either_platform(receiver, simulator):
    simulator.happens(
        messages=[
            {"platform": "whatsapp", "account": "7", "person": "+4912", "text": "Hi", "name": "Ada",
             "id": "wamid.1"},
            {"platform": "whatsapp", "account": "7", "person": "US.1", "content": {"type": "x", "x": {}}},
            {"platform": "instagram", "account": "8", "person": "9", "text": "Hi", "at": 1_750_030_073},
            {"platform": "instagram", "account": "8", "person": "9", "content": {"read": {"mid": "m"}}},
        ]
    )  # fmt: skip
    text, odd, direct, read = (json.loads(body)["entry"][0] for body in receiver.wait_bodies(4))
    value = text["changes"][0]["value"]
    assert value["contacts"] == [{"profile": {"name": "Ada"}, "wa_id": "4912"}]
    assert value["messages"][0]["text"] == {"body": "Hi"}
    assert (value["messages"][0]["from"], value["messages"][0]["id"]) == ("4912", "wamid.1")
    assert odd["changes"][0]["value"]["messages"][0]["from_user_id"] == "US.1"
    assert direct["messaging"][0]["timestamp"] == 1_750_030_073_000
    assert direct["messaging"][0]["message"]["text"] == "Hi"
    assert read["messaging"][0]["read"] == {"mid": "m"}


ACCOUNT = "17841400000000001"


def test_a_direct_message_is_echoed(graph, receiver, simulator):
    sent = ok(
        graph.post(f"/{ACCOUNT}/messages", json={"recipient": {"id": "9"}, "message": {"text": "Hello"}})
    )
    (body,) = receiver.wait_bodies(1)
    (event,) = json.loads(body)["entry"][0]["messaging"]
    assert event["message"] == {"mid": sent["message_id"], "text": "Hello", "is_echo": True}
    assert (event["sender"], event["recipient"]) == ({"id": ACCOUNT}, {"id": "9"})
    (effect,) = simulator.ledger(kind="instagram.message")
    assert (effect["id"], effect["text"]) == (sent["message_id"], "Hello")


@pytest.mark.parametrize(
    "body",
    [
        {"recipient": {"id": "9"}, "message": {"text": "\u00fc" * 501}},
        {"recipient": {"id": "9"}, "message": {}},
        {"recipient": {}, "message": {"text": "Hello"}},
        {"recipient": {"id": "9"}, "message": {"text": "Hello"}, "tag": "SALE"},
    ],
)
def test_a_direct_message_that_instagram_does_not_take_is_refused(graph, simulator, body):
    answer = graph.post(f"/{ACCOUNT}/messages", json=body)
    assert answer.status_code == 400
    assert simulator.ledger(kind="instagram.message") == []


def test_what_cannot_happen_is_refused(receiver, control):
    for inbound, part in (
        ({"statuses": [{"id": "wamid.unknown", "status": "read"}]}, "account and recipient"),
        ({"statuses": [{"id": "wamid.unknown"}]}, "statuses[0].status"),
        ({"remarks": []}, "remarks"),
    ):
        answer = control.post("/inbound", json=inbound)
        assert answer.status_code == 422
        assert part in answer.text
    assert receiver.bodies == []


def test_a_message_can_be_accepted_and_fail(graph, receiver, simulator):
    simulator.fault(action="status_failed", code=131049)
    simulator.fault(action="status_failed", code=4242, title="Odd", details="Very odd", skip=1)
    ok(send(graph))
    ok(send(graph))
    known, spelt_out = (status["errors"][0] for status in receiver.wait(2))
    assert receiver.names == ["failed", "failed"]
    assert known["code"] == 131049
    assert known["title"] == known["message"]
    assert known["href"].startswith("https://developers.facebook.com/")
    assert (spelt_out["title"], spelt_out["error_data"]) == ("Odd", {"details": "Very odd"})
    assert all("contacts" not in body.decode() for body in receiver.bodies)


def test_statuses_can_be_told_twice(graph, receiver, simulator):
    simulator.fault(action="duplicate_statuses", copies=3)
    ok(send(graph))
    receiver.wait(9)
    assert receiver.names == ["sent", "delivered", "read"] * 3


def test_statuses_can_come_in_the_wrong_order_with_true_times(simulator, graph, receiver):
    simulator.fault(action="reorder_statuses")
    ok(send(graph))
    statuses = receiver.wait(3)
    assert receiver.names == ["read", "delivered", "sent"]
    times = [int(status["timestamp"]) for status in statuses]
    assert times == sorted(times, reverse=True)


def test_statuses_can_stay_away_or_come_late(graph, receiver, simulator):
    simulator.fault(action="no_statuses")
    ok(send(graph, to="+33600000001"))
    simulator.fault(action="delay_statuses", seconds=1.5)
    ok(send(graph, to="+33600000002"))
    ok(send(graph, to="+33600000003"))
    assert [status["recipient_id"][-1] for status in receiver.wait(6)] == ["3"] * 3 + ["2"] * 3


def test_a_status_can_come_before_the_answer(graph, receiver, simulator):
    simulator.fault(action="status_before_answer")
    ok(send(graph))
    assert receiver.names[:1] == ["sent"]
    receiver.wait(3)
    assert receiver.names == ["sent", "delivered", "read"]


def test_a_failure_can_come_before_an_answer_that_is_lost(graph, receiver, simulator):
    simulator.fault(action="status_before_answer")
    simulator.fault(action="status_failed")
    simulator.fault(action="lost_answer")
    with pytest.raises(httpx.RemoteProtocolError):
        send(graph)
    assert receiver.names == ["failed"]
    assert simulator.ledger()[0]["answer_lost"] is True


def test_an_answer_does_not_wait_for_who_is_away(graph, simulator):
    with Receiver() as gone:
        url = gone.url
    simulator.tell(url, SECRET)
    simulator.fault(action="status_before_answer")
    ok(graph.post(f"/{PHONE}/messages", json=message()))
    assert simulator.told()["refused"] >= 1
