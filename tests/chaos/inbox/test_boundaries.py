"""A worker is killed at every boundary of a message, in and out, and another one finds what it left."""

from typing import Any

import pytest

from tests.chaos.conftest import wait_for
from tests.chaos.posts.test_boundaries import AGES

IN = {
    "window's end": ("message_windows", "update", "old.closed_at is null and new.closed_at is not null"),
    "window's outcome": ("message_windows", "update", "old.outcome is null and new.outcome is not null"),
    "person asked for": (
        "conversations",
        "update",
        "old.needs_person_at is null and new.needs_person_at is not null",
    ),
    "job's end": (
        "procrastinate_jobs",
        "update",
        "new.status = 'succeeded' and new.task_name = 'conversations.process_message'",
    ),
}
MIND = {
    "a step is kept": ("checkpoints", "insert", "true"),
    "a later step is kept": (
        "checkpoints",
        "insert",
        "new.checkpoint -> 'channel_values' ->> 'said' <> ''",
    ),
    "decision": ("ai_decisions", "insert", "true"),
    "answer": ("messages", "insert", "new.author = 'ai'"),
}
BURST = ("Hi", "do you have", "a table?")
OUT: dict[str, tuple[Any, list[str]]] = {
    "intent": (
        ("outbox", "update", "old.sending_at is null and new.sending_at is not null"),
        ["sent", "sent", "sent"],
    ),
    "call": ("before", ["unknown", "sent", "sent"]),
    "answer": ("after", ["unknown", "sent", "sent"]),
    "outcome": (
        ("outbox", "update", "old.finished_at is null and new.finished_at is not null"),
        ["unknown", "sent", "sent"],
    ),
    "job's end": (
        (
            "procrastinate_jobs",
            "update",
            "new.status = 'succeeded' and new.task_name = 'messages.send_message'",
        ),
        ["sent", "sent", "sent"],
    ),
}


@pytest.mark.parametrize("name", IN)
def test_a_burst_is_handled_once_wherever_its_worker_dies(mailroom, name):
    mailroom.staff()
    table, event, when = IN[name]
    with mailroom.gate(table, event, when):
        person = mailroom.told(*BURST)
        wait_for(mailroom.somebody_waits, f"the point {name!r}", tell=mailroom.tell)
        mailroom.kill(mailroom.busy())
    mailroom.told_again(person, *BURST)
    mailroom.settle()
    mailroom.start()  # for the next point
    mailroom.audit()
    conversation = mailroom.conversation(person)
    assert conversation.needs_person_at
    windows = mailroom.ask(
        "select outcome from message_windows where conversation_id = %(id)s", id=conversation.id
    )
    assert [row.outcome for row in windows if row.outcome != "merged"] == ["escalated"]
    ((messages,),) = mailroom.ask(
        "select count(*) from messages where conversation_id = %(id)s", id=conversation.id
    )
    assert messages == 3


@pytest.mark.parametrize("name", MIND)
def test_a_greeting_is_answered_once_wherever_its_worker_dies(mailroom, name):
    mailroom.staff()
    mailroom.ask("update channels set ai_enabled_for_chats = true")
    with mailroom.gate(*MIND[name]):
        person = mailroom.told("Hello!")
        wait_for(mailroom.somebody_waits, f"the point {name!r}", tell=mailroom.tell)
        mailroom.kill(mailroom.busy())
    mailroom.told_again(person, "Hello!")
    mailroom.settle()
    mailroom.ask("update channels set ai_enabled_for_chats = false")
    mailroom.start()
    mailroom.audit()
    answers = [each for each in mailroom.world.ledger(kind="whatsapp.message") if person in each["to"]]
    assert len(answers) == 1
    decisions = mailroom.ask(
        "select decision from ai_decisions join message_windows on message_windows.id = subject_id"
        " where conversation_id = %(id)s",
        id=mailroom.conversation(person).id,
    )
    assert [row.decision for row in decisions] == ["RESPOND"]


@pytest.mark.parametrize("name", OUT)
def test_a_message_leaves_once_and_in_order_wherever_its_worker_dies(mailroom, name):
    mailroom.staff()
    point, expected = OUT[name]
    person = mailroom.told("Hi")
    mailroom.settle()
    mailroom.world.clear_faults()
    if isinstance(point, str):
        match = {"kind": "whatsapp.message"}
        mailroom.world.fault(action="slow", delay_s=AGES, when=point, match=match)
        mailroom.answered_by_person(person, "1", "2", "3")
        wait_for(lambda: mailroom.world.faults()[-1]["hits"] == 1, f"the point {name!r}", tell=mailroom.tell)
        mailroom.kill(mailroom.busy())
        mailroom.world.clear_faults()
    else:
        with mailroom.gate(*point):
            mailroom.answered_by_person(person, "1", "2", "3")
            wait_for(mailroom.somebody_waits, f"the point {name!r}", tell=mailroom.tell)
            mailroom.kill(mailroom.busy())
    mailroom.settle()
    mailroom.start()
    mailroom.audit()
    rows = mailroom.ask(
        "select messages.status, messages.text from outbox"
        " join messages on messages.id = outbox.message_id where outbox.conversation_id = %(id)s"
        " order by position",
        id=mailroom.conversation(person).id,
    )
    assert [row.text for row in rows] == ["1", "2", "3"]
    assert [row.status for row in rows] == expected
