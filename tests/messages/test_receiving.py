"""What people write is stored once, whatever the order and the number of its tellings."""

import itertools
import random
from datetime import timedelta

import pytest

from socialsync.features.channels import service as channels
from tests.messages.conftest import ADA, BOB, IG_PERSON, WA_NUMBER, Inbox, seconds

SCOPED = "US.13491208655302741918"


async def test_a_message_is_stored_with_its_person_and_conversation(inbox: Inbox):
    await inbox.write("Are you open today?")
    (contact,), (message,) = await inbox.rows("contacts"), await inbox.rows("messages")
    conversation = await inbox.conversation()
    assert (contact["phone"], contact["name"]) == (f"+{ADA}", "Ada")
    assert (conversation["contact_id"], conversation["mode"]) == (contact["id"], "ai")
    assert (message["text"], message["direction"], message["author"], message["status"]) == (
        "Are you open today?",
        "inbound",
        "customer",
        "received",
    )
    assert message["conversation_id"] == conversation["id"]
    assert conversation["last_inbound_at"] == message["told_at"] == inbox.now
    (event,) = await inbox.meta.events()
    assert event["parts"] == {"messages": 1}
    assert event["handled_at"]


async def test_every_message_of_a_body_counts(inbox: Inbox):
    await inbox.tell(inbox.body(*(inbox.message(str(n), person=f"3361234{n:04d}") for n in range(200))))
    assert len(await inbox.rows("messages")) == len(await inbox.rows("conversations")) == 200
    assert len(await inbox.waiting("conversations.process_message")) == 200


async def test_the_messages_of_others_are_strangers(inbox: Inbox):
    body = inbox.body(inbox.message("To somebody else"), metadata={"phone_number_id": "999"})
    await inbox.tell(body)
    assert await inbox.rows("messages") == []
    assert (await inbox.meta.events())[0]["parts"] == {"strangers": 1}


async def test_a_message_of_five_bodies_is_stored_once(inbox: Inbox):
    message = inbox.message("Hello?")
    for n in range(5):
        await inbox.tell(inbox.body(message, name=f"Ada {n}"))
    assert len(await inbox.rows("messages")) == len(await inbox.rows("message_windows")) == 1
    assert len(await inbox.waiting("conversations.process_message")) == 1


def whatsapp_story(inbox: Inbox) -> list[dict]:
    """Everything that can happen to messages, each in a body of its own."""
    first, second = inbox.message("Hello"), inbox.message("A tabel for four")
    third = inbox.message(person=BOB, type_="image", image={"id": "77", "caption": "Look"})
    later = [seconds(inbox.now + timedelta(seconds=-n)) for n in (30, 20, 10)]
    edit = {
        "original_message_id": second["id"],
        "message": {"type": "text", "text": {"body": "A table for four"}},
    }
    edit_again = {
        "original_message_id": second["id"],
        "message": {"type": "text", "text": {"body": "For five"}},
    }
    changes = [
        inbox.message(type_="edit", edit=edit, timestamp=later[0]),
        inbox.message(type_="edit", edit=edit_again, timestamp=later[1]),
        inbox.message(type_="revoke", revoke={"original_message_id": first["id"]}, timestamp=later[2]),
        inbox.message(
            type_="reaction", reaction={"message_id": second["id"], "emoji": "\u2615"}, timestamp=later[0]
        ),
        inbox.message(type_="reaction", reaction={"message_id": second["id"]}, timestamp=later[2]),
    ]
    return [
        *(inbox.body(each) for each in (first, second, third, *changes)),
        inbox.body(inbox.message(type_="revoke", person=BOB, revoke={"original_message_id": third["id"]})),
    ]


@pytest.mark.parametrize("seed", range(8))
async def test_any_order_and_five_tellings_end_in_the_same_rows(inbox: Inbox, seed: int):
    story = whatsapp_story(inbox)
    for body in story:
        await inbox.tell(body)
    expected = await inbox.state()
    await inbox.forget()
    told = story * 5
    random.Random(seed).shuffle(told)  # noqa: S311 - the same order each time
    for number, body in enumerate(told):
        await inbox.tell({**body, "note": number})  # another body each time
    assert await inbox.state() == expected


async def test_instagram_in_any_order(inbox: Inbox):
    story = [
        inbox.direct(message={"mid": "m1", "text": "Hello"}),
        inbox.direct(message_edit={"mid": "m1", "text": "Hello!"}),
        inbox.direct(
            message={"mid": "m2", "attachments": [{"type": "image", "payload": {"url": "https://x.y/1"}}]}
        ),
        inbox.direct(message={"mid": "m2", "is_deleted": True}),
        inbox.direct(reaction={"mid": "m1", "action": "react", "emoji": "\u2764"}),
    ]
    states = []
    for order in itertools.islice(itertools.permutations(story), 0, 120, 7):
        for body in order:
            await inbox.tell(body)
        states.append(await inbox.state())
        await inbox.forget()
    assert all(state == states[0] for state in states)
    assert len(states[0]["messages"]) == 2


async def test_an_edit_changes_the_text_and_a_deletion_takes_it(inbox: Inbox):
    await inbox.write("Helo")
    edit = {"original_message_id": "wamid.1", "message": {"type": "text", "text": {"body": "Hello"}}}
    await inbox.tell(inbox.body(inbox.message(type_="edit", edit=edit)))
    (message,) = await inbox.rows("messages")
    assert (message["text"], message["edited_at"]) == ("Hello", inbox.now)
    await inbox.tell(inbox.body(inbox.message(type_="revoke", revoke={"original_message_id": "wamid.1"})))
    (message,) = await inbox.rows("messages")
    assert (message["text"], message["deleted_at"]) == (None, inbox.now)


async def test_what_was_deleted_before_it_came_opens_no_window(inbox: Inbox):
    await inbox.tell(inbox.body(inbox.message(type_="revoke", revoke={"original_message_id": "wamid.9"})))
    await inbox.tell(inbox.body(inbox.message("Never mind", id="wamid.9")))
    (message,) = await inbox.rows("messages")
    assert (message["text"], message["unseen"]) == (None, False)
    assert await inbox.rows("message_windows") == []


async def test_a_person_turns_out_to_have_an_id(inbox: Inbox):
    await inbox.write("By phone")
    both = inbox.message("By both", from_user_id=SCOPED)
    await inbox.tell(inbox.body(both))
    scoped = inbox.message("By id", from_user_id=SCOPED)
    del scoped["from"]
    await inbox.tell(inbox.body(scoped, contacts=[{"user_id": SCOPED, "profile": {"name": "Ada L."}}]))
    (contact,) = await inbox.rows("contacts")
    assert (contact["phone"], contact["user_id"], contact["name"]) == (f"+{ADA}", SCOPED, "Ada L.")
    assert {row["conversation_id"] for row in await inbox.rows("messages")} == {
        (await inbox.conversation())["id"]
    }


async def test_a_phone_with_a_new_owner_is_another_person(inbox: Inbox):
    await inbox.tell(inbox.body(inbox.message("I am Ada", from_user_id="US.1")))
    await inbox.tell(inbox.body(inbox.message("I am Bob", from_user_id="US.2")))
    ada, bob = await inbox.rows("contacts")
    assert (ada["user_id"], ada["phone"]) == ("US.1", None)
    assert (bob["user_id"], bob["phone"]) == ("US.2", f"+{ADA}")
    first, second = await inbox.rows("messages")
    assert first["conversation_id"] != second["conversation_id"]


async def test_a_person_may_change_number_and_id(inbox: Inbox):
    await inbox.tell(inbox.body(inbox.message("Hi", from_user_id="US.1")))
    system = {"type": "user_changed_number", "wa_id": BOB, "body": "Ada changed her number"}
    await inbox.tell(inbox.body(inbox.message(type_="system", system=system)))
    move = {"wa_id": BOB, "user_id": {"previous": "US.1", "current": "US.2"}, "timestamp": "1"}
    body = inbox.body()
    body["entry"][0]["changes"][0]["value"] = {
        "metadata": {"phone_number_id": WA_NUMBER},
        "user_id_update": [move],
    }
    await inbox.tell(body)
    (contact,) = await inbox.rows("contacts")
    assert (contact["phone"], contact["user_id"]) == (f"+{BOB}", "US.2")


async def test_a_system_message_asks_for_no_answer(inbox: Inbox):
    await inbox.tell(inbox.body(inbox.message(type_="system", system={"body": "...", "type": "x"})))
    assert len(await inbox.rows("messages")) == 1
    assert await inbox.rows("message_windows") == []


async def test_a_read_moves_what_was_sent_until_then(inbox: Inbox):
    await inbox.write_direct("Hello")
    early, late = inbox.now - timedelta(minutes=2), inbox.now
    await inbox.tell(inbox.direct(echo=True, at=early, message={"mid": "e1", "text": "One", "is_echo": True}))
    await inbox.tell(inbox.direct(echo=True, at=late, message={"mid": "e2", "text": "Two", "is_echo": True}))
    await inbox.tell(inbox.direct(at=inbox.now - timedelta(minutes=1), read={"mid": "e1"}))
    assert [row["status"] for row in await inbox.outgoing()] == ["read", "sent"]


async def test_one_account_in_two_workspaces_tells_both(inbox: Inbox, database, other_workspace):
    async with database.transaction(other_workspace.id) as session:
        await channels.connect(
            session,
            inbox.opened.cipher,
            other_workspace.id,
            {"platform": "whatsapp", "name": "Also", "external_id": WA_NUMBER},
            access_token="EAAother",
            actor="tests",
        )
    await inbox.write("To both")
    rows = await inbox.rows("messages")
    assert {row["workspace_id"] for row in rows} == {inbox.workspace_id, other_workspace.id}
    assert len(await inbox.waiting("conversations.process_message")) == 2


async def test_instagram_knows_people_by_their_id(inbox: Inbox):
    await inbox.write_direct("Hello")
    (contact,) = await inbox.rows("contacts")
    assert (contact["user_id"], contact["phone"]) == (IG_PERSON, None)


async def test_two_changes_of_one_message_in_a_body_are_one(inbox: Inbox):
    await inbox.write("Helo")
    edit = {"original_message_id": "wamid.1", "message": {"type": "text", "text": {"body": "Hello"}}}
    body = inbox.body(inbox.message(type_="edit", edit=edit), inbox.message(type_="edit", edit=edit))
    echo = inbox.echo("x", "wamid.e")
    message = echo["entry"][0]["changes"][0]["value"]["message_echoes"][0]
    message |= {"type": "revoke", "revoke": {"original_message_id": "wamid.1"}}
    body["entry"] += echo["entry"]
    await inbox.tell(body)
    (event, _) = sorted(await inbox.meta.events(), key=lambda each: -len(each["body"]))
    assert event["problem"] is None
    assert len(await inbox.rows("messages")) == 1
