"""A conversation in which a person is asked for is one escalation, until a person hands it back."""

from datetime import timedelta

import pytest

from socialsync.features.conversations import service as conversations
from socialsync.features.conversations.brain import Decision
from socialsync.features.messages import outbox
from socialsync.features.messages import service as messages
from tests.conversations.test_answering import Scripted, answer, burst, ended
from tests.messages.conftest import Inbox, inbox
from tests.webhooks.conftest import meta

__all__ = ["inbox", "meta"]
PROCESS, NOTIFY = "conversations.process_message", "escalations.notify_escalation"
ANGRY = Decision("ESCALATE", "A complaint.", source="model", rule="complaint")


@pytest.fixture
async def told(inbox: Inbox, post_office) -> Inbox:
    """Its people read mail."""
    await inbox.office.rows(
        "update channels set escalation_email = 'owner@example.com' where true returning id"
    )
    return inbox


async def act(inbox: Inbox, verb, **more):
    conversation = await inbox.conversation()
    async with inbox.opened.database.transaction(inbox.workspace_id) as session:
        return await verb(session, conversation["id"], now=inbox.now, **more)


async def test_a_person_who_is_asked_for_is_told_once(told: Inbox, post_office):
    for text in ("Where is my bread?", "Hello??"):
        await burst(told, text)
        assert await answer(told, Scripted(ANGRY)) == "escalated"
        await ended(told)
    (row,), conversation = await told.rows("escalations"), await told.conversation()
    assert (row["subject"], row["subject_id"]) == ("conversation", conversation["id"])
    assert (row["urgency"], row["rule"], row["status"]) == ("high", "complaint", "open")
    assert row["excerpt"] == "Ada: Where is my bread?"
    assert row["due_at"] == row["created_at"] + timedelta(hours=2)
    (job,) = await told.waiting(NOTIFY)
    assert (job["queue_name"], job["priority"]) == ("escalation", 2)
    assert (await told.run(NOTIFY))["status"] == "sent"
    text = post_office.mails[0].get_body(("plain",)).get_content()
    assert f"https://sync.example.com/conversations/{conversation['id']}" in text


async def test_what_moderation_flags_is_urgent(told: Inbox):
    await burst(told, "I know where you live")
    await answer(told, Scripted(Decision("ESCALATE", "Flagged.", source="moderation", rule="violence")))
    assert (await told.rows("escalations"))[0]["urgency"] == "urgent"


async def test_whoever_takes_over_has_claimed_it_and_who_hands_back_has_resolved_it(told: Inbox):
    await burst(told, "Where is my bread?")
    await answer(told, Scripted(ANGRY))
    await act(told, conversations.take_over, by="key:ann")
    (row,) = await told.rows("escalations")
    assert (row["status"], row["claimed_by"], row["claimed_at"]) == ("claimed", "key:ann", told.now)
    told.wait(minutes=3)
    await act(told, conversations.hand_back, by="key:bob")
    (row,) = await told.rows("escalations")
    assert (row["status"], row["resolved_by"], row["resolved_at"]) == ("resolved", "key:bob", told.now)
    assert "handed back" in row["note"]
    await ended(told)
    told.wait(seconds=1)
    await burst(told, "And now?")
    await answer(told, Scripted(ANGRY))
    assert [each["status"] for each in await told.rows("escalations")] == ["resolved", "open"]


async def test_whoever_answers_from_the_app_has_claimed_it(told: Inbox):
    await burst(told, "Where is my bread?")
    await answer(told, Scripted(ANGRY))
    await told.tell(told.echo("It is on its way.", "wamid.echo"))
    (row,) = await told.rows("escalations")
    assert (row["status"], row["claimed_by"]) == ("claimed", "app")


async def test_nobody_is_asked_for_while_a_person_is_there(told: Inbox):
    await told.write("Hi")
    await act(told, conversations.take_over, by="key:ann")
    await act(told, messages.ask_for_person, why="A message was not delivered.")
    assert await told.rows("escalations") == []


async def test_a_message_that_cannot_be_delivered_is_a_normal_escalation(told: Inbox):
    await told.write("Hi")
    await act(told, messages.ask_for_person, why="A message was not delivered.")
    (row,) = await told.rows("escalations")
    assert (row["urgency"], row["reason"]) == ("normal", "A message was not delivered.")


async def test_what_only_seemed_to_be_claimed_is_open_again(told: Inbox):
    """An echo was taken for a person's answer, until our own answer told its id."""
    await told.write_direct("Hi")
    await act(told, messages.ask_for_person, why="A complaint.")
    conversation = await told.conversation()
    async with told.opened.database.transaction(told.workspace_id) as session:
        held = await messages.hold_conversation(session, conversation["id"])
        await messages.write(session, held, "Hello", author="ai", now=told.now)
        head = await outbox.lock_head(session, told.workspace_id, conversation["id"])
        await outbox.intend(session, told.workspace_id, head, now=told.now)
    await told.tell(told.direct(echo=True, message={"mid": "m.1", "text": "He\u2026", "is_echo": True}))
    assert [row["status"] for row in await told.rows("escalations")] == ["claimed"]
    async with told.opened.database.transaction(told.workspace_id) as session:
        await outbox.sent(session, told.workspace_id, head, "m.1", now=told.now)
    (row,) = await told.rows("escalations")
    assert (row["status"], row["claimed_by"]) == ("open", None)


async def test_a_status_that_tells_of_a_failure_opens_one(told: Inbox, simulator):
    """It comes by webhook, whose transaction is of no workspace."""
    await told.write("Hi")
    conversation = await told.conversation()
    async with told.opened.database.transaction(told.workspace_id) as session:
        held = await messages.hold_conversation(session, conversation["id"])
        await messages.write(session, held, "Hello", author="ai", now=told.now)
    await told.run("messages.send_message")
    (sent,) = await told.outgoing()
    failed = {
        "id": sent["platform_message_id"],
        "status": "failed",
        "timestamp": str(int(told.now.timestamp())),
        "recipient_id": "33612345601",
        "errors": [{"code": 131026, "title": "Message undeliverable"}],
    }
    await told.tell(told.body(name=None, statuses=[failed]))
    (row,) = await told.rows("escalations")
    assert (row["workspace_id"], row["subject_id"]) == (told.workspace_id, conversation["id"])
    assert row["reason"].startswith("A message was not delivered.")
    assert len(await told.waiting(NOTIFY)) == 1
