"""Stock workers on the App of the house, people who write, and what must hold whatever is done to them.

Nothing of the product is hooked: see ``tests/chaos/posts``, from which the room and its gates are.
"""

import asyncio
import contextlib
import itertools
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar
from uuid import UUID

import pytest

from socialsync import clock, registry
from socialsync.db.embedded import EmbeddedServer
from socialsync.db.urls import Urls
from socialsync.features.conversations import service as conversations
from socialsync.features.webhooks import service as webhooks
from tests import cluster
from tests.chaos.conftest import Nursery, wait_for
from tests.chaos.posts.conftest import REASON, Newsroom, _found
from tests.conftest import opening, urls_of
from tests.simulator.server import SimulatorServer

registry.load()

NUMBER = "106540352242922"
BUSY = """
select info.pid from procrastinate_jobs job join worker_info info on info.worker_id = job.worker_id
where job.status = 'doing' and job.queue_name = 'ingest' order by job.id desc limit 1
"""
LEFT = """
select (select count(*) from procrastinate_jobs
        where status in ('todo', 'doing') and queue_name in ('ingest', 'state'))
    + (select count(*) from message_windows where ended_at is null)
    + (select count(*) from outbox where finished_at is null)
"""
TIME_PASSES = """
update outbox set sending_at = sending_at - interval '91 seconds', not_before = null,
    updated_at = updated_at - interval '61 seconds'
where finished_at is null and not exists (
    select from procrastinate_jobs job where job.status = 'doing' and job.queue_name = 'ingest');
update message_windows set due_at = due_at - interval '6 seconds' where ended_at is null;
update procrastinate_jobs set scheduled_at = now() where id in (
    select id from procrastinate_jobs where status = 'todo' and queue_name = 'ingest' and scheduled_at > now()
    for update skip locked);
select pg_notify('queue_control', '')
"""
_numbers = itertools.count(1)


class Mailroom(Newsroom):
    """A number to which people write, and its workers."""

    queues: ClassVar[str] = "ingest,state"

    def busy(self) -> int:
        ((pid,),) = wait_for(lambda: self.ask(BUSY), "work", tell=self.tell)
        return pid

    def told(self, *texts: str) -> str:
        """Somebody new writes these at once, each in a body of its own: their phone."""
        person = f"336123{next(_numbers):05d}"
        self.told_again(person, *texts)
        return person

    def told_again(self, person: str, *texts: str) -> None:
        """The platform tells these, as if for the first time."""
        bodies = [_body(person, f"wamid.{person}.{n}", text) for n, text in enumerate(texts)]
        asyncio.run(self._receive(bodies))

    def answered_by_person(self, person: str, *texts: str) -> None:
        """A person of the business takes over and writes these."""
        asyncio.run(self._answer(self.conversation(person).id, texts))

    def conversation(self, person: str):
        (row,) = self.ask(
            "select conversation.* from conversations conversation join contacts on contacts.id = contact_id"
            " where contacts.phone = %(phone)s",
            phone=f"+{person}",
        )
        return row

    def over(self, most: str = "") -> bool:  # noqa: ARG002 - what of posts takes longer
        ((left,),) = self.ask(LEFT)
        if left:
            self.ask(TIME_PASSES)
        return not left

    def tell(self) -> str:
        said = (f"--- {pid}\n{self.log(pid)[-3_000:]}" for pid in self.pids[-2:])
        stories = self.ask(
            "select id, task_name, status::text, scheduled_at::time(0), attempts, x_kills"
            " from procrastinate_jobs where status in ('todo', 'doing') order by id limit 20"
        )
        windows = self.ask("select * from message_windows where ended_at is null")
        return "\n".join([*said, *map(str, stories), *map(str, windows)])

    def audit(self) -> None:
        """The world saw nothing twice and everything in order; rows and ledger tell the same."""
        seen = defaultdict(list)
        for effect in self.world.ledger(kind="whatsapp.message"):
            seen[effect["to"].removeprefix("+")].append(effect["text"])
        for person, texts in seen.items():
            assert texts == sorted(set(texts)), f"{person} got {texts}"
        known = {effect["id"] for effect in self.world.ledger(kind="whatsapp.message")}
        for row in self.ask("select * from messages where direction = 'outbound'"):
            assert row.status in {"sent", "unknown", "failed"}, row
            assert row.status != "sent" or row.platform_message_id in known
        assert self.ask("select id from message_windows where ended_at is null") == []
        assert self.ask("select id from messages where direction = 'inbound' and window_id is null") == []
        assert self.ask("select id from outbox where finished_at is null") == []

    async def _receive(self, bodies: list[bytes]) -> None:
        async with (
            opening(self.urls, self.home, self.world.url) as opened,
            opened.database.system_transaction(REASON) as session,
        ):
            for body in bodies:
                await webhooks.receive(session, "whatsapp", body, now=clock.now())

    async def _answer(self, conversation_id: UUID, texts: tuple[str, ...]) -> None:
        async with (
            opening(self.urls, self.home, self.world.url) as opened,
            opened.database.transaction(self.workspace) as session,
        ):
            await conversations.take_over(session, conversation_id, by="chaos", now=clock.now())
            for text in texts:
                await conversations.write_as_operator(
                    session, conversation_id, text=text, template=None, now=clock.now()
                )


def _body(person: str, message_id: str, text: str) -> bytes:
    message = {"from": person, "id": message_id, "timestamp": str(int(time.time())), "type": "text"}
    value = {"metadata": {"phone_number_id": NUMBER}, "messages": [message | {"text": {"body": text}}]}
    return json.dumps({"entry": [{"changes": [{"field": "messages", "value": value}]}]}).encode()


@contextlib.contextmanager
def mailroom_on(urls: Urls, home: Path, nursery: Nursery, world: SimulatorServer) -> Iterator[Mailroom]:
    world.reset()
    room = Mailroom(urls, home, nursery, world=world)
    asyncio.run(_found(room))
    room.ask("update channels set buffer_quiet_s = 0.3, buffer_max_s = 1, ai_enabled_for_chats = false")
    yield room
    room.end()
    world.clear_faults()


@pytest.fixture(scope="module")
def mailroom(
    server: EmbeddedServer, template: str, tmp_path_factory, nursery: Nursery, outside_world
) -> Iterator[Mailroom]:
    """One for all tests of a module: each leaves it with everything settled, and a worker who lives."""
    home = tmp_path_factory.mktemp("mailroom")
    with (
        cluster.created(server, template) as name,
        mailroom_on(urls_of(server, name), home, nursery, outside_world) as room,
    ):
        yield room
