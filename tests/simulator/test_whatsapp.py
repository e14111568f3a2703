import base64

import pytest

from tests.simulator.asking import PHONE, message, ok, refusal, send


def test_a_message_is_accepted_and_the_ledger_shows_it(graph, simulator):
    answer = ok(send(graph, biz_opaque_callback_data="outbox-7", context={"message_id": "wamid.before"}))
    (sent,) = answer.pop("messages")
    assert answer == {
        "messaging_product": "whatsapp",
        "contacts": [{"input": "+33612345678", "wa_id": "33612345678"}],
    }
    assert sent["id"].startswith("wamid.HBgL")
    assert b"33612345678" in base64.b64decode(sent["id"].removeprefix("wamid."))

    (effect,) = simulator.ledger(kind="whatsapp.message")
    assert effect["id"] == sent["id"]
    assert effect["platform"] == "whatsapp"
    assert effect["account"] == PHONE
    assert effect["to"] == "+33612345678"
    assert effect["text"] == "Hello"
    assert effect["biz_opaque_callback_data"] == "outbox-7"
    assert effect["context"] == {"message_id": "wamid.before"}


def test_two_equal_messages_are_two_messages(graph, simulator):
    ids = {ok(send(graph))["messages"][0]["id"] for _ in range(2)}
    assert ids == {effect["id"] for effect in simulator.ledger()}
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("text", {"body": "x" * 4_096, "preview_url": True}),
        ("text", {"body": "👋"}),
        ("template", {"name": "spring_sale", "language": {"code": "en_US"}}),
        (
            "template",
            {
                "name": "hello",
                "language": {"code": "fr"},
                "components": [{"type": "body", "parameters": [{"type": "text", "text": "Ada"}]}],
            },
        ),
        ("image", {"link": "https://example.org/a.jpg", "caption": "A tree"}),
        ("video", {"link": "https://example.org/a.MP4?size=1", "caption": "x" * 1_024}),
        ("audio", {"link": "https://example.org/a.ogg"}),
        ("image", {"link": "https://example.org/pictures/7"}),
        ("document", {"link": "https://example.org/menu.pdf", "filename": "Menu.pdf", "caption": "Menu"}),
        ("document", {"id": "123"}),
        ("reaction", {"message_id": "wamid.x", "emoji": ""}),
        ("location", {"latitude": 48.8, "longitude": "2.3"}),
        ("interactive", {"type": "button", "action": {"buttons": []}}),
    ],
)
def test_every_type_of_message_is_taken(graph, simulator, kind, content):
    ok(send(graph, **{"text": None, "type": kind, kind: content}))
    shown = content["body"] if kind == "text" else content
    assert simulator.ledger()[0][kind] == shown


def test_a_person_is_also_reached_by_business_scoped_user_id(graph, simulator):
    user = "US.13491208655302741918"
    answer = ok(send(graph, to=None, recipient=user))
    assert answer["contacts"] == [{"input": user, "user_id": user}]
    assert simulator.ledger()[0]["recipient"] == user


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"messaging_product": None}, 100),
        ({"messaging_product": "signal"}, 100),
        ({"to": None}, 100),
        ({"to": "somebody"}, 131009),
        ({"to": "+1"}, 131009),
        ({"to": ["+33612345678"]}, 100),
        ({"to": None, "recipient": "not a user"}, 131009),
        ({"recipient_type": "everybody"}, 100),
        ({"type": "telepathy"}, 100),
        ({"type": "image"}, 131008),
        ({"text": None}, 131008),
        ({"text": "Hello"}, 100),
        ({"text": {}}, 131008),
        ({"text": {"body": ""}}, 131008),
        ({"text": {"body": 7}}, 100),
        ({"text": {"body": "x" * 4_097}}, 100),
        ({"text": {"body": "x", "preview_url": "yes"}}, 100),
        ({"txet": {"body": "misspelt"}}, 100),
        ({"biz_opaque_callback_data": "x" * 513}, 100),
        ({"type": "template", "template": {"name": "hello"}}, 131008),
        ({"type": "template", "template": {"name": "Hello!", "language": {"code": "en"}}}, 132001),
        (
            {"type": "template", "template": {"name": "a", "language": {"code": "en"}, "components": [1]}},
            131009,
        ),
        ({"type": "image", "image": {}}, 100),
        ({"type": "image", "image": {"link": "photo.jpg"}}, 131009),
        ({"type": "image", "image": {"link": "https://[example/photo.jpg"}}, 131009),
        ({"type": "image", "image": {"link": "https://example.org/a.gif"}}, 131053),
        ({"type": "video", "video": {"link": "https://example.org/a.mov"}}, 131053),
        ({"type": "audio", "audio": {"link": "https://example.org/a.wav"}}, 131053),
        ({"type": "image", "image": {"link": "https://example.org/a.jpg", "caption": "x" * 1_025}}, 100),
        ({"type": "audio", "audio": {"link": "https://example.org/a.ogg", "caption": "A song"}}, 100),
        ({"type": "image", "image": {"link": "https://example.org/a.jpg", "id": "123"}}, 100),
        ({"type": "image", "image": {"link": "https://example.org/a.jpg", "captoin": "A"}}, 100),
        ({"type": "location", "location": {"latitude": 91, "longitude": 0}}, 131009),
        ({"type": "location", "location": {"latitude": 48}}, 131008),
        ({"type": "reaction", "reaction": {"emoji": "x"}}, 131008),
        ({"type": "interactive", "interactive": {"type": "button"}}, 131008),
    ],
)
def test_what_whatsapp_does_not_take_is_refused_and_leaves_no_trace(graph, simulator, changes, expected):
    code, _ = refusal(send(graph, **changes))
    assert code == expected
    assert simulator.ledger() == []


def test_a_whatsapp_error_has_details(graph):
    error = send(graph, text=None).json()["error"]
    assert error["error_data"] == {"messaging_product": "whatsapp", "details": "Parameter text is required."}


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"\xff", b'{"a": 1e999}', rb'{"to": "\ud83d"}', b"[" * 100_000]
)
def test_a_body_that_is_no_json_object_is_refused(graph, body):
    answer = graph.post(f"/{PHONE}/messages", content=body, headers={"Content-Type": "application/json"})
    assert refusal(answer) == (100, None)


def test_a_form_that_is_none_is_refused(graph):
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = graph.post(f"/{PHONE}/messages", content=b"--y", headers=headers)
    assert refusal(answer) == (100, None)


def test_a_form_may_carry_a_message_too(graph, simulator):
    form = message(text='{"body": "Hello"}')
    ok(graph.post(f"/{PHONE}/messages", data=form))
    assert simulator.ledger()[0]["text"] == "Hello"


@pytest.mark.parametrize("typing", [True, False])
def test_a_message_is_marked_as_read_with_or_without_typing(graph, simulator, typing):
    mark = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.in"}
    indicator = {"typing_indicator": {"type": "text"}} if typing else {}
    assert ok(graph.post(f"/{PHONE}/messages", json=mark | indicator)) == {"success": True}
    (effect,) = simulator.ledger()
    assert (effect["kind"], effect["id"], effect["typing"]) == ("whatsapp.read", "wamid.in", typing)


@pytest.mark.parametrize(
    "change", [{"status": "delivered"}, {"message_id": ""}, {"typing_indicator": {"type": "dots"}}]
)
def test_a_wrong_mark_is_refused(graph, change):
    mark = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.in"}
    assert refusal(graph.post(f"/{PHONE}/messages", json=mark | change)) == (100, None)
