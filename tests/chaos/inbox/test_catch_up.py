"""A worker is killed wherever it is while it pulls what nobody was told, and another one pulls it again."""

import asyncio
import itertools
import json
import time
from datetime import timedelta
from typing import Any

import pytest

from socialsync import clock
from socialsync.features.channels import service as channels
from socialsync.features.webhooks import service as webhooks
from tests.chaos.conftest import wait_for
from tests.chaos.posts.conftest import REASON
from tests.chaos.posts.test_boundaries import AGES
from tests.conftest import opening

ACCOUNT = "17841400000000001"
PAGES = {"kind": "instagram.conversations"}
POINTS: dict[str, Any] = {
    "call": "before",
    "answer": "after",
    "a message": ("messages", "insert", "true"),
    "a window": ("message_windows", "insert", "true"),
    "a window's job": (
        "procrastinate_jobs",
        "insert",
        "new.task_name = 'conversations.process_message'",
    ),
    "the end": ("channels", "update", "old.missed_since is not null and new.missed_since is null"),
    "job's end": (
        "procrastinate_jobs",
        "update",
        "new.status = 'succeeded' and new.task_name = 'conversations.catch_up'",
    ),
}
_numbers = itertools.count(1)


def writes(room, person: str, *texts: str) -> None:
    """Nobody is told."""
    usual = {"platform": "instagram", "account": ACCOUNT, "person": person, "at": int(time.time()) - 60}
    room.world.lose_webhooks()
    told = [usual | {"id": f"{person}.{n}", "text": text} for n, text in enumerate(texts)]
    room.world.happens(messages=told)


def miss(room) -> None:
    """The web door was away."""

    async def back() -> None:
        async with (
            opening(room.urls, room.home, room.world.url) as opened,
            opened.database.system_transaction(REASON) as session,
        ):
            now = clock.now()
            await channels.miss_all(session, since=now - timedelta(minutes=5), now=now)

    asyncio.run(back())


def told_late(room, person: str, *texts: str) -> None:
    """The webhooks come after all."""

    async def tell() -> None:
        async with (
            opening(room.urls, room.home, room.world.url) as opened,
            opened.database.system_transaction(REASON) as session,
        ):
            for n, text in enumerate(texts):
                event = {
                    "sender": {"id": person},
                    "recipient": {"id": ACCOUNT},
                    "timestamp": int(time.time() * 1e3),
                    "message": {"mid": f"{person}.{n}", "text": text},
                }
                body = {"object": "instagram", "entry": [{"id": ACCOUNT, "messaging": [event]}]}
                await webhooks.receive(session, "instagram", json.dumps(body).encode(), now=clock.now())

    asyncio.run(tell())


@pytest.mark.parametrize("name", POINTS)
def test_what_was_missed_is_handled_once_wherever_its_worker_dies(mailroom, name):
    mailroom.staff()
    mailroom.settle()
    point, texts = POINTS[name], ("Hello?", "Anybody there?")
    person = f"12544777{next(_numbers):08d}"
    writes(mailroom, person, *texts)
    if isinstance(point, str):
        mailroom.world.fault(action="slow", delay_s=AGES, when=point, match=PAGES)
        miss(mailroom)
        wait_for(lambda: mailroom.world.faults()[-1]["hits"] == 1, f"the point {name!r}", tell=mailroom.tell)
        mailroom.kill(mailroom.busy())
        mailroom.world.clear_faults()
    else:
        with mailroom.gate(*point):
            miss(mailroom)
            wait_for(mailroom.somebody_waits, f"the point {name!r}", tell=mailroom.tell)
            mailroom.kill(mailroom.busy())
    told_late(mailroom, person, *texts)
    mailroom.settle()
    mailroom.start()
    mailroom.audit()
    assert mailroom.ask("select id from channels where missed_since is not null") == []
    (conversation,) = mailroom.ask(
        "select conversation.* from conversations conversation join contacts on contacts.id = contact_id"
        " where contacts.user_id = %(person)s",
        person=person,
    )
    windows = mailroom.ask(
        "select outcome from message_windows where conversation_id = %(id)s", id=conversation.id
    )
    assert [row.outcome for row in windows if row.outcome != "merged"] == ["escalated"]
    ((messages,),) = mailroom.ask(
        "select count(*) from messages where conversation_id = %(id)s", id=conversation.id
    )
    assert messages == len(texts)
