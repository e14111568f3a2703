"""The tasks of the rooms are those of the design: named, queued, ordered and tried as it says."""

import re
from collections.abc import Iterator
from uuid import UUID

import pytest
from procrastinate.tasks import Task

from socialsync import registry
from socialsync.queue import locks, tasks
from socialsync.queue.jobs import Job
from socialsync.queue.policies import POLICIES
from socialsync.queue.tasks import HOUSE, Declarations, Details
from tests.house.source import comply

registry.parts("tasks")

TABLE = {
    "messages.send_message": ("ingest", 6, "message"),
    "conversations.process_message": ("ingest", 5, "message"),
    "messages.fetch_media": ("ingest", 2, "message"),
    "messages.settle": ("ingest", 2, "message"),
    "knowledge.process_document": ("ingest", -5, "bulk"),
    "knowledge.embed_chunks": ("ingest", -5, "bulk"),
    "knowledge.index_chunks": ("ingest", -5, "bulk"),  # beyond the design: only large workspaces need it
    "knowledge.embed_bare": ("ingest", -5, "bulk"),  # beyond the design: an entry has no document to lock
    "posts.enqueue_due_posts": ("scheduler", 5, "tick"),
    "posts.publish_post": ("scheduler", 0, "publish"),
    "posts.send_deliveries": ("scheduler", 0, "publish"),
    "posts.send_held_back": ("scheduler", 0, "publish"),
    "posts.settle_run": ("scheduler", 0, "publish"),
    "comments.poll_post_comments": ("comments", 5, "tick"),
    "comments.process_comment": ("comments", 0, "comment"),
    # Beyond the design, which has a reply's doubt settled but names no job for it, and posts from elsewhere.
    "comments.settle_reply": ("comments", 1, "comment"),
    "comments.import_media": ("comments", 0, "comment"),
    "comments.read_post": ("comments", 1, "comment"),
    "conversations.update_langgraph_state": ("state", 8, "state"),
    "conversations.sync_operator_message": ("state", 7, "state"),
    "messages.update_message_status": ("default", 1, "base"),
    "operations.health_check": ("default", 0, "base"),
    "content.evaluate_content": ("evaluation", 0, "idempotent"),
    "content.rewrite_content": ("rewrite", 0, "critical"),
    "escalations.notify_escalation": ("escalation", 2, "idempotent"),
    "analytics.generate_daily_analytics": ("low", -10, "idempotent"),
    # Beyond the design, which renews tokens in a sweep: a sweep is a transaction, and this is a call outside.
    "channels.refresh_token": ("default", 0, "idempotent"),
    # Beyond the design's table; its chapter on flows, "DM", asks for it.
    "conversations.catch_up": ("ingest", 1, "message"),
}
"""Queue, priority and policy: the first table of the design's chapter on queues, those to come too."""
LOCKED = {
    "comments.import_media",
    "comments.read_post",
    "conversations.catch_up",
    "conversations.process_message",
    "conversations.sync_operator_message",
    "conversations.update_langgraph_state",
    "escalations.notify_escalation",
    "messages.send_message",
    "knowledge.embed_chunks",
    "knowledge.embed_bare",
    "knowledge.process_document",
    "posts.publish_post",
    "posts.send_deliveries",
    "posts.send_held_back",
    "posts.settle_run",
}
ALIASES = {"operations.health_check": {"health.health_check", "tasks.health_check"}}
QUEUES = {queue for queue, _, _ in TABLE.values()}


def tasks_of_the_house() -> list[tuple[Task, Details]]:
    """Those of the rooms: a test may have declared others."""
    return [
        HOUSE.find(name)
        for name, task in HOUSE.tasks.items()
        if name == task.name and task.func.__module__.startswith("socialsync.")
    ]


def faults(task: Task, details: Details, room: str) -> Iterator[str]:
    """What is wrong with a task of this room, and how to mend it."""
    if not re.fullmatch(rf"{room}\.[a-z]+(_[a-z]+)*", task.name) or room not in registry.ROOMS:
        yield f"it lives in features/{room}: name it explicitly, {room}.<verb>"
    if task.name not in TABLE:
        yield f"decide its queue, priority and policy in the design, and add it to TABLE in {__file__}"
    elif (task.queue, task.priority, details.policy.name) != TABLE[task.name]:
        yield f"the design says {TABLE[task.name]}: make its queue, priority and policy these"
    if POLICIES.get(details.policy.name) is not details.policy:
        yield "take its policy from queue/policies.py, by name"
    if (details.scope == "workspace") != ("workspace_id" in details.arguments.names):
        yield "a job of the scope `workspace` takes workspace_id, one of the scope `system` does not"
    if not all(name.endswith(("_id", "_ids")) for name in details.arguments.names):
        yield "the row remembers, the job reminds: its arguments are ids"
    if set(task.aliases or ()) != ALIASES.get(task.name, set()):
        yield f"its aliases are a promise: {ALIASES.get(task.name, set())}, see ALIASES in {__file__}"
    if (details.lock is not None) != (task.name in LOCKED):
        yield f"its lock is spelled in queue/locks.py or a lanes.py, and the task listed in {__file__}"


def test_every_task_is_the_one_of_the_design():
    found = [
        f"{task.func.__module__}: {task.name}: {fault}"
        for task, details in tasks_of_the_house()
        for fault in faults(task, details, task.func.__module__.split(".")[2])
    ]
    assert not found, comply(found, "The design's table of tasks is what operators plan their workers by.")


def test_the_rooms_have_tasks():
    assert {"posts.publish_post", "posts.enqueue_due_posts"} <= {
        task.name for task, _ in tasks_of_the_house()
    }


def test_the_jobs_of_a_room_stand_in_its_tasks_file():
    strays = [task.name for task, _ in tasks_of_the_house() if not task.func.__module__.endswith(".tasks")]
    assert not strays, f"Move these into the tasks.py of their rooms: {strays}"


def test_every_alias_leads_to_its_task():
    for name, aliases in ALIASES.items():
        assert {HOUSE.find(alias)[0].name for alias in aliases} == {name}


RIGHT = {
    "name": "posts.publish_post", "queue": "scheduler", "policy": "publish", "scope": "workspace",
    "lock_by": locks.of_post,
}  # fmt: skip


async def takes_ids(job: Job, *, workspace_id: UUID, post_id: UUID) -> None: ...


async def takes_text(job: Job, *, workspace_id: UUID, text: str) -> None: ...


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    """What is declared here, some of it under names of the house, is nobody else's task afterwards."""
    monkeypatch.setattr(tasks, "_others", {})


def faults_of(function=takes_ids, **changes) -> list[str]:
    declared = Declarations()
    task = declared.task(**{**RIGHT, **changes}, pass_context=True)(function)
    return list(faults(task, declared.details[task.name], "posts"))


@pytest.mark.parametrize("change", [
    {"name": "posts.Publish"}, {"name": "publish"}, {"name": "comments.process_comment"},
    {"name": "posts.of_nobody"}, {"queue": "low"}, {"priority": 3}, {"policy": "base"}, {"scope": "system"},
    {"aliases": ["posts.old"]}, {"lock_by": None},
])  # fmt: skip
def test_a_faulty_task_is_seen(change: dict):
    assert faults_of(**change)


def test_arguments_that_are_no_ids_are_seen():
    assert faults_of(takes_text)


def test_a_right_task_has_no_faults():
    assert faults_of() == []
