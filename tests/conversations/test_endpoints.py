"""The doors to conversations, people, messages and files."""

import pytest

from tests.conftest import add_key, calling
from tests.messages.conftest import ADA, BOB, Inbox

API = "/api/v1"


@pytest.fixture
async def caller(app, database, inbox: Inbox):
    async with calling(app, await add_key(database, inbox.workspace_id, role="operator")) as client:
        yield client


@pytest.fixture
async def viewer(app, database, inbox: Inbox):
    async with calling(app, await add_key(database, inbox.workspace_id, role="viewer")) as client:
        yield client


async def the_one(caller) -> dict:
    (conversation,) = (await caller.get(f"{API}/conversations")).json()["items"]
    return conversation


async def test_a_conversation_is_shown_with_its_person(inbox: Inbox, caller):
    await inbox.write("Hi")
    conversation = await the_one(caller)
    assert conversation["mode"] == "ai"
    assert (conversation["contact"]["phone"], conversation["contact"]["name"]) == (f"+{ADA}", "Ada")
    assert (await caller.get(f"{API}/conversations/{conversation['id']}")).json() == conversation


async def test_conversations_are_found_by_what_they_are(inbox: Inbox, caller):
    await inbox.write("Hi", person=ADA)
    await inbox.write("Hi", person=BOB)
    bob, ada = (await caller.get(f"{API}/conversations")).json()["items"]
    await caller.put(f"{API}/conversations/{ada['id']}/takeover")
    for query, expected in (
        ({"mode": "human"}, [ada["id"]]),
        ({"mode": "ai"}, [bob["id"]]),
        ({"contact_id": bob["contact"]["id"]}, [bob["id"]]),
        ({"channel_id": str(inbox.office.instagram)}, []),
        ({"needs_person": True}, []),
    ):
        found = (await caller.get(f"{API}/conversations", params=query)).json()["items"]
        assert [each["id"] for each in found] == expected, query


async def test_messages_are_shown_with_files_and_reactions(inbox: Inbox, caller):
    image = {"id": "77", "mime_type": "image/jpeg", "caption": "Look"}
    await inbox.tell(inbox.body(inbox.message(type_="image", image=image)))
    reaction = {"message_id": "wamid.1", "emoji": "\u2615"}
    await inbox.tell(inbox.body(inbox.message(type_="reaction", reaction=reaction)))
    conversation = await the_one(caller)
    (message,) = (await caller.get(f"{API}/conversations/{conversation['id']}/messages")).json()["items"]
    assert (message["kind"], message["text"], message["status"]) == ("image", "Look", "received")
    assert message["reactions"][0]["emoji"] == "\u2615"
    (file,) = message["files"]
    assert file["status"] == "pending"
    assert (await caller.get(f"{API}/media/{file['id']}")).status_code == 404
    await inbox.run("messages.fetch_media")
    answer = await caller.get(f"{API}/media/{file['id']}")
    assert answer.content.startswith(b"\xff\xd8")
    assert answer.headers["content-disposition"].startswith("attachment")


async def test_a_person_takes_over_writes_and_hands_back(inbox: Inbox, caller, simulator):
    await inbox.write("Hi")
    path = f"{API}/conversations/{(await the_one(caller))['id']}"
    refused = await caller.post(f"{path}/messages", json={"text": "Hello"})
    assert (refused.status_code, refused.json()["code"]) == (409, "FloorTaken")
    taken = (await caller.put(f"{path}/takeover")).json()
    assert (taken["mode"], taken["taken_over_by"] is not None) == ("human", True)
    written = await caller.post(f"{path}/messages", json={"text": "Hello"})
    assert written.status_code == 201
    assert (written.json()["author"], written.json()["status"]) == ("operator", "queued")
    await inbox.run("messages.send_message")
    assert [effect["text"] for effect in simulator.ledger(kind="whatsapp.message")] == ["Hello"]
    back = (await caller.request("DELETE", f"{path}/takeover")).json()
    assert (back["mode"], back["taken_over_by"]) == ("ai", None)
    assert back["handed_back_at"]


async def test_a_repeated_request_writes_once(inbox: Inbox, caller):
    await inbox.write("Hi")
    path = f"{API}/conversations/{(await the_one(caller))['id']}"
    await caller.put(f"{path}/takeover")
    answers = [
        await caller.post(f"{path}/messages", json={"text": "Hello"}, headers={"Idempotency-Key": "1"})
        for _ in range(3)
    ]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(await inbox.outgoing()) == 1


async def test_after_a_day_only_a_template_goes(inbox: Inbox, caller, simulator):
    await inbox.write("Hi")
    path = f"{API}/conversations/{(await the_one(caller))['id']}"
    await caller.put(f"{path}/takeover")
    inbox.wait(hours=25)
    refused = await caller.post(f"{path}/messages", json={"text": "Hello"})
    assert (refused.status_code, refused.json()["code"]) == (409, "ReplyWindowClosed")
    assert "template" in refused.text
    template = {"name": "reminder", "language": "en_US"}
    assert (await caller.post(f"{path}/messages", json={"template": template})).status_code == 201
    await inbox.run("messages.send_message")
    (effect,) = simulator.ledger(kind="whatsapp.message")
    assert effect["type"] == "template"


@pytest.mark.parametrize(
    "body", [{}, {"text": ""}, {"text": "a", "template": {"name": "a", "language": "en"}}, {"x": 1}]
)
async def test_a_message_is_a_text_or_a_template(inbox: Inbox, caller, body):
    await inbox.write("Hi")
    path = f"{API}/conversations/{(await the_one(caller))['id']}"
    await caller.put(f"{path}/takeover")
    assert (await caller.post(f"{path}/messages", json=body)).status_code == 422
    assert (await caller.post(f"{path}/messages", json={"text": " \n"})).status_code == 422


async def test_who_only_looks_changes_nothing(inbox: Inbox, viewer):
    await inbox.write("Hi")
    path = f"{API}/conversations/{(await the_one(viewer))['id']}"
    assert (await viewer.put(f"{path}/takeover")).status_code == 403
    assert (await viewer.post(f"{path}/messages", json={"text": "Hello"})).status_code == 403
    assert (await viewer.get(f"{path}/messages")).status_code == 200


async def test_another_workspace_sees_nothing(inbox: Inbox, caller, other_client):
    await inbox.write("Hi")
    conversation = await the_one(caller)
    assert (await other_client.get(f"{API}/conversations")).json()["items"] == []
    for method, path in (
        ("GET", f"{API}/conversations/{conversation['id']}"),
        ("GET", f"{API}/conversations/{conversation['id']}/messages"),
        ("PUT", f"{API}/conversations/{conversation['id']}/takeover"),
        ("DELETE", f"{API}/conversations/{conversation['id']}/takeover"),
        ("GET", f"{API}/contacts/{conversation['contact']['id']}"),
    ):
        assert (await other_client.request(method, path)).status_code == 404


async def test_people_are_listed_and_searched(inbox: Inbox, caller):
    await inbox.write("Hi", person=ADA)
    await inbox.tell(inbox.body(inbox.message("Hi", person=BOB), name="Bob_%"))
    for q, expected in ((f"+{ADA}", ["Ada"]), ("bob_", ["Bob_%"]), ("b%", []), ("nobody", [])):
        found = (await caller.get(f"{API}/contacts", params={"q": q})).json()["items"]
        assert [each["name"] for each in found] == expected
    (contact, _) = (await caller.get(f"{API}/contacts")).json()["items"]
    assert (await caller.get(f"{API}/contacts/{contact['id']}")).json() == contact


async def test_an_unknown_message_is_resolved_by_a_person(inbox: Inbox, caller, simulator):
    await inbox.write("Hi")
    path = f"{API}/conversations/{(await the_one(caller))['id']}"
    await caller.put(f"{path}/takeover")
    message = (await caller.post(f"{path}/messages", json={"text": "Hello"})).json()
    resolve = f"{API}/messages/{message['id']}/resolve"
    assert (await caller.post(resolve, json={"outcome": "happened"})).json()["code"] == "NotInDoubt"
    simulator.fault(action="lost_answer", match={"kind": "whatsapp.message"})
    await inbox.run("messages.send_message")
    inbox.wait(seconds=90)
    await inbox.run("messages.settle")
    assert (await caller.post(resolve, json={"check": True})).status_code == 409
    assert (await caller.post(resolve, json={})).status_code == 422
    told = await caller.post(resolve, json={"outcome": "happened", "platform_id": "wamid.found"})
    assert (told.json()["status"], told.json()["platform_message_id"]) == ("sent", "wamid.found")
