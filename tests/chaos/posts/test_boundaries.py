"""A worker is killed at every boundary of a post, and another one finds what it left."""

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.chaos.conftest import wait_for

AGES = 600.0
"""Seconds that outlast every test."""
LOST = {"action": "lost_answer", "match": {"kind": "instagram.publish"}}
DROPPED = {"action": "drop", "match": {"kind": "instagram.publish"}}
BLIND = {"action": "status", "status": 503, "times": None, "match": {"method": "GET"}}
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Point:
    """Where a process is held: at an answer of the world (``slow``), or before a write (``gate``).

    Attributes:
        before: another fault, that leads there.
        after: a fault of all that comes later.
        becomes: what the post has become in the end.
    """

    slow: dict[str, Any] | None = None
    gate: tuple[str, str, str] | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    content: dict[str, Any] = field(default_factory=dict)
    becomes: str = "published"


def call(kind: str, when: str = "before", *, skip: int = 0, **point) -> Point:
    slow = {"action": "slow", "delay_s": AGES, "when": when, "skip": skip, "match": {"kind": kind}}
    return Point(slow=slow, **point)


def write(table: str, when: str, event: str = "update", **point) -> Point:
    return Point(gate=(table, event, when), **point)


CAROUSEL = {"carousel": True}
BROADCAST = {"recipients": 3}
POINTS = {
    "tick": write("post_runs", "true", "insert"),
    "begin": write("post_runs", "old.started_at is null and new.started_at is not null"),
    "container call": call("instagram.container"),
    "container answer": call("instagram.container", "after"),
    "container stored": write("post_runs", "old.container_id is null and new.container_id is not null"),
    "status call": call("instagram.container_status"),
    "quota call": call("instagram.publishing_limit"),
    "intent": write("post_runs", "old.effect_at is null and new.effect_at is not null"),
    "publish call": call("instagram.publish"),
    "publish answer": call("instagram.publish", "after"),
    "outcome": write("posts", "old.status = 'publishing' and new.status = 'published'"),
    "job's end": write(
        "procrastinate_jobs", "new.status = 'succeeded' and new.task_name = 'posts.publish_post'"
    ),
    "doubt": write("post_runs", "old.doubt is null and new.doubt is not null", before=LOST),
    "settling, container": call("instagram.container_status", skip=1, before=LOST),
    "settling, list": call("instagram.media_list", before=LOST),
    "settling, outcome": write(
        "posts", "old.status = 'publishing' and new.status = 'published'", before=LOST
    ),
    "settling, nothing happened": write(
        "post_runs", "old.status = 'running' and new.status = 'failed'", before=DROPPED
    ),
    "publish answer, and nobody can look": call("instagram.publish", "after", after=BLIND, becomes="unknown"),
    "carousel, second item's answer": call("instagram.container", "after", skip=1, content=CAROUSEL),
    "carousel, second item stored": write(
        "post_runs",
        "cardinality(old.child_container_ids) = 1 and cardinality(new.child_container_ids) = 2",
        content=CAROUSEL,
    ),
    "carousel, its own call": call("instagram.container", skip=2, content=CAROUSEL),
    "messages' intent": write(
        "post_deliveries", "old.status = 'queued' and new.status = 'sending'", content=BROADCAST
    ),
    "message's call": call("whatsapp.message", content=BROADCAST, becomes="unknown"),
    "message's answer": call("whatsapp.message", "after", content=BROADCAST, becomes="unknown"),
    "messages' outcome": write(
        "post_deliveries",
        "old.status = 'sending' and new.status = 'sent'",
        content=BROADCAST,
        becomes="unknown",
    ),
}


@pytest.mark.parametrize("name", POINTS)
def test_killed_at_every_boundary(newsroom, name):
    point = POINTS[name]
    newsroom.staff()
    with held(newsroom, point):
        post_id = due(newsroom, name, point)
        wait_for(lambda: there(newsroom, point), f"the point {name!r}", tell=newsroom.tell)
        newsroom.kill(newsroom.busy())
        if point.after:
            newsroom.world.fault(**point.after)
    newsroom.settle(most="15 minutes" if point.after else "4 minutes")
    newsroom.start()  # for the next point
    newsroom.audit()
    assert newsroom.post(post_id).status == point.becomes
    each = {"published": "sent", "unknown": "unknown"}[point.becomes]
    assert newsroom.deliveries(post_id) == ([each] * 3 if point.content is BROADCAST else [])


@contextlib.contextmanager
def held(newsroom, point: Point) -> Iterator[None]:
    newsroom.world.clear_faults()
    with contextlib.ExitStack() as stack:
        for fault in filter(None, (point.before, point.slow)):
            newsroom.world.fault(**fault)
        if point.gate:
            stack.enter_context(newsroom.gate(*point.gate))
        yield


def due(newsroom, name: str, point: Point):
    content = dict(point.content)
    if number := content.pop("recipients", 0):
        content["recipients"] = [f"+336123{next(_numbers):05d}" for _ in range(number)]
    (post_id,) = newsroom.write(f"Killed at: {name}", **content)
    newsroom.tick()
    return post_id


def there(newsroom, point: Point) -> bool:
    """Whether somebody is held. What leads there comes to its time."""
    if point.before is LOST:
        newsroom.make_due()
    elif point.before is DROPPED:
        newsroom.over()
    if point.gate:
        return newsroom.somebody_waits()
    return newsroom.world.faults()[-1]["hits"] == 1
