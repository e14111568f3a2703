"""A worker is killed at every boundary of a comment, and another one finds what it left."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import sql

from tests.chaos.comments.conftest import ANSWER, NOISE, QUESTION
from tests.chaos.conftest import wait_for
from tests.chaos.posts.test_boundaries import Point, call, write

POLL, PROCESS, SETTLE = (
    f"comments.{name}" for name in ("poll_post_comments", "process_comment", "settle_reply")
)
CROWD = 60
"""Comments: two pages."""
REPLIES = 30
"""More than come with their comment."""
THREAT = "I will burn your shop down"
SPAM = "Buy followers here"
LOST = {"action": "lost_answer", "match": {"kind": "instagram.reply"}}
DROPPED = {"action": "drop", "match": {"kind": "instagram.reply"}}
READING = {
    "call": call("instagram.comments"),
    "first page's answer": call("instagram.comments", "after"),
    "first page's comments": write("comments", "true", "insert"),
    "their jobs": write("procrastinate_jobs", f"new.task_name = '{PROCESS}'", "insert"),
    "their jobs' ids": write("comments", "old.job_id is null and new.job_id is not null"),
    "second page's call": call("instagram.comments", skip=1),
    "second page's answer": call("instagram.comments", "after", skip=1),
    "second walk's call": call("instagram.comments", skip=2),
    "second walk's last answer": call("instagram.comments", "after", skip=3),
    "the replies' call": call("instagram.replies"),
    "how far it was read": write("comment_watches", "true", "insert"),
    "job's end": write("procrastinate_jobs", f"new.status = 'succeeded' and new.task_name = '{POLL}'"),
}
DECIDING = {
    "moderation's call": call("openai_moderation"),
    "model's call": call("openai_chat"),
    "model's answer": call("openai_chat", "after"),
    "words' answer": call("openai_chat", "after", skip=1),
    "decision": write("ai_decisions", "true", "insert"),
    "reply written": write("comment_replies", "true", "insert"),
    "decided": write("comments", "old.work = 'decide' and new.work = 'send'"),
    "settling's job": write("procrastinate_jobs", f"new.task_name = '{SETTLE}'", "insert"),
    "intent": write("comment_replies", "old.status = 'queued' and new.status = 'sending'"),
}
SENDING = {
    "call": call("instagram.reply"),
    "answer": call("instagram.reply", "after"),
    "outcome": write("comment_replies", "old.status = 'sending' and new.status = 'sent'"),
    "comment's outcome": write("comments", "old.work = 'send' and new.work is null"),
    "settling's job is cancelled": write(
        "procrastinate_jobs", f"new.status = 'cancelled' and new.task_name = '{SETTLE}'"
    ),
    "job's end": write("procrastinate_jobs", f"new.status = 'succeeded' and new.task_name = '{PROCESS}'"),
}
SETTLING = {
    "look": call("instagram.replies", before=LOST),
    "what was seen": call("instagram.replies", "after", before=LOST),
    "found": write("comment_replies", "old.status = 'sending' and new.status = 'sent'", before=LOST),
    "found, job's end": write(
        "procrastinate_jobs", f"new.status = 'succeeded' and new.task_name = '{SETTLE}'", before=LOST
    ),
    "not there": write("comment_replies", "new.doubts > old.doubts", before=DROPPED),
    "not there, back": write(
        "comment_replies", "old.status = 'sending' and new.status = 'queued'", before=DROPPED
    ),
    "not there, job's end": write(
        "procrastinate_jobs", f"new.status = 'succeeded' and new.task_name = '{SETTLE}'", before=DROPPED
    ),
}
HIDING = {
    "decision": write("comments", "old.work = 'decide' and new.work = 'hide'"),
    "call": call("instagram.hide"),
    "answer": call("instagram.hide", "after"),
    "outcome": write("comments", "old.work = 'hide' and new.work is null"),
}
ESCALATING = {
    "escalation": write("escalations", "true", "insert"),
    "decided": write("comments", "new.triage = 'escalate'"),
    "job's end": write("procrastinate_jobs", f"new.status = 'succeeded' and new.task_name = '{PROCESS}'"),
}


@pytest.mark.parametrize("name", READING)
def test_a_crowd_is_read_and_each_handled_once_wherever_its_reader_dies(wall, name):
    wall.staff()
    media = wall.publish()
    written = crowd(wall, media)
    with held(wall, READING[name], POLL):
        wall.tick()
        wall.kill(waiting(wall, name, READING[name]))
    over(wall)
    stored = wall.comments(media)
    assert sorted(row.platform_comment_id for row in stored) == sorted(written), "none forgotten, none twice"
    assert {row.decision for row in stored} == {"IGNORE", "RESPOND"}
    assert [effect["text"] for effect in wall.effects("instagram.reply", media)] == [ANSWER]


@pytest.mark.parametrize(
    ("task", "name", "point"),
    [
        *((PROCESS, name, point) for name, point in (DECIDING | SENDING).items()),
        *((SETTLE, f"settling, {name}", point) for name, point in SETTLING.items()),
    ],
)
def test_a_question_is_answered_once_wherever_its_worker_dies(wall, task, name, point):
    row, media = handled(wall, QUESTION, task, name, point)
    assert row.decision == "RESPOND"
    assert [effect["text"] for effect in wall.effects("instagram.reply", media)] == [ANSWER]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_private_reply_arrives_once_wherever_its_worker_dies(wall, when):
    point = call("instagram.private_reply", when)
    with channel(wall, "reply_privately"):
        row, media = handled(wall, QUESTION, PROCESS, f"private, {when}", point)
    assert row.decision == "RESPOND"
    assert len(wall.effects("instagram.private_reply", media)) == 1
    assert wall.effects("instagram.reply", media) == []


@pytest.mark.parametrize("name", HIDING)
def test_spam_is_hidden_wherever_its_worker_dies(wall, name):
    with channel(wall, "hide_ignored_comments"):
        row, media = handled(wall, SPAM, PROCESS, name, HIDING[name])
    assert (row.decision, row.hidden) == ("IGNORE", True)
    seen = [
        each for each in wall.world.ledger(kind="instagram.hide") if each["id"] == row.platform_comment_id
    ]
    assert [each["hidden"] for each in seen] == [True]
    assert wall.effects("instagram.reply", media) == []


@pytest.mark.parametrize("name", ESCALATING)
def test_a_threat_has_one_escalation_wherever_its_worker_dies(wall, name):
    row, media = handled(wall, THREAT, PROCESS, name, ESCALATING[name])
    assert row.decision == "ESCALATE"
    assert len(wall.ask("select id from escalations where subject_id = %(id)s", id=row.id)) == 1
    assert wall.effects("instagram.reply", media) == []


def handled(wall, text: str, task: str, name: str, point: Point) -> tuple[Any, str]:
    """Somebody writes, and the worker of this task is killed at the point: the comment, and its medium."""
    wall.staff()
    media = wall.publish()
    wall.world.comments(comments=[{"media_id": media, "text": text}])
    with held(wall, point, task):
        wall.tick()
        wall.kill(waiting(wall, name, point))
    over(wall)
    (row,) = wall.comments(media)
    return row, media


def crowd(wall, media: str) -> list[str]:
    """A question among much noise, and a long thread; their ids."""
    made = wall.world.comments(crowds=[{"media_id": media, "count": CROWD, "texts": [NOISE]}])["ids"]
    replies = [{"media_id": media, "parent_id": made[0], "text": NOISE} for _ in range(REPLIES)]
    asked = [{"media_id": media, "text": QUESTION}]
    return [*made, *wall.world.comments(comments=[*replies, *asked])["ids"]]


@contextlib.contextmanager
def held(wall, point: Point, task: str) -> Iterator[None]:
    wall.world.clear_faults()
    wall.held_task = task
    with contextlib.ExitStack() as stack:
        for fault in filter(None, (point.before, point.slow)):
            wall.world.fault(**fault)
        if point.gate:
            stack.enter_context(wall.gate(*point.gate))
        yield


@contextlib.contextmanager
def channel(wall, switch: str) -> Iterator[None]:
    change = sql.SQL("update channels set {} = {}")
    wall.ask(change.format(sql.Identifier(switch), True))
    yield
    wall.ask(change.format(sql.Identifier(switch), False))


def waiting(wall, name: str, point: Point) -> int:
    """The process that is held there. What leads there comes to its time."""

    def there() -> bool:
        if point.before:
            wall.over()
        return wall.somebody_waits() if point.gate else wall.world.faults()[-1]["hits"] == 1

    wait_for(there, f"the point {name!r}", tell=wall.tell)
    return wall.busy()


def over(wall) -> None:
    """Everything is settled; and once more nothing new is found."""
    wall.settle()
    wall.look_again()
    wall.settle()
    wall.start()  # for the next point
    wall.audit()
