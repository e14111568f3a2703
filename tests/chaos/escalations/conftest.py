"""Stock workers on the App of the house, a mail server, and what must hold whatever is done to them.

Nothing of the product is hooked: see ``tests/chaos/posts``, from which the room and its gates are.
"""

import asyncio
import contextlib
import socket
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Self
from uuid import UUID, uuid4

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from socialsync import clock, registry
from socialsync.db.embedded import EmbeddedServer
from socialsync.features.escalations import service
from tests import cluster
from tests.chaos.conftest import Nursery, wait_for
from tests.chaos.posts.conftest import Newsroom, _found
from tests.conftest import opening, urls_of

registry.load()

BUSY = """
select info.pid from procrastinate_jobs job join worker_info info on info.worker_id = job.worker_id
where job.status = 'doing' and job.queue_name = 'escalation' order by job.id desc limit 1
"""
LEFT = """
select (select count(*) from procrastinate_jobs
        where status in ('todo', 'doing') and queue_name = 'escalation')
    + (select count(*) from escalations where status = 'open' and mail_id is null)
    + (select count(*) from escalation_mails where status in ('queued', 'sending'))
"""
TIME_PASSES = """
update escalation_mails set sending_at = sending_at - interval '5 minutes', not_before = null,
    updated_at = updated_at - interval '61 seconds'
where not exists (
    select from procrastinate_jobs job where job.status = 'doing' and job.queue_name = 'escalation');
update procrastinate_jobs set scheduled_at = now() where id in (
    select id from procrastinate_jobs
    where status = 'todo' and queue_name = 'escalation' and scheduled_at > now() for update skip locked);
select pg_notify('queue_control', '')
"""


class Letterbox:
    """A mail server that can be made to wait before it takes a mail, or before it says so."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.taken: list[bytes] = []
        self.held = threading.Event()
        self.hold: str | None = None
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self.handle_DATA = self.content  # as aiosmtpd calls it

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    async def content(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        if self.hold == "before":
            await self._wait()
            return "451 4.3.0 Nobody is there any more"
        self.taken.append(envelope.content)
        if self.hold == "after":
            await self._wait()
        return "250 OK"

    async def _wait(self) -> None:
        self.held.set()
        while self.hold is not None:
            await asyncio.sleep(0.02)


@dataclass
class Lookout(Newsroom):
    """People who are told by mail, and the workers who tell them."""

    queues: ClassVar[str] = "escalation"

    letterbox: Letterbox = field(default_factory=Letterbox)

    def busy(self) -> int:
        ((pid,),) = wait_for(lambda: self.ask(BUSY), "work", tell=self.tell)
        return pid

    def open(self, count: int = 1) -> list[UUID]:
        """So many new ones, in one transaction."""
        return asyncio.run(self._open(count))

    def over(self, most: str = "") -> bool:  # noqa: ARG002 - what of posts takes longer
        ((left,),) = self.ask(LEFT)
        if left:
            self.ask(TIME_PASSES)
        return not left

    def later(self) -> None:
        """The last mail is so long ago that another may leave."""
        self.ask(TIME_PASSES)

    def tell(self) -> str:
        said = (f"--- {pid}\n{self.log(pid)[-3_000:]}" for pid in self.pids[-2:])
        jobs = self.ask("select id, status::text, scheduled_at, attempts, x_kills from procrastinate_jobs"
                        " where queue_name = 'escalation' order by id desc limit 10")  # fmt: skip
        mails = self.ask("select * from escalation_mails order by id desc limit 5")
        return "\n".join([*said, *map(str, jobs), *map(str, mails)])

    def mail_of(self, escalation_id: UUID):
        (row,) = self.ask(
            "select mail.* from escalation_mails mail join escalations on mail_id = mail.id"
            " where escalations.id = %(id)s",
            id=escalation_id,
        )
        return row

    def seen(self) -> dict[str, list[bytes]]:
        """What the server took, by the id of the mail."""
        found = defaultdict(list)
        for content in self.letterbox.taken:
            (line,) = [line for line in content.splitlines() if line.startswith(b"Message-ID: <")]
            found[line.decode().partition("<")[2].partition("@")[0]].append(content)
        return found

    def audit(self) -> None:
        """Everybody is told of everything, in one mail each, that is seen twice only where that is noted."""
        told = defaultdict(int)
        seen = self.seen()
        for mail in self.ask("select * from escalation_mails"):
            copies = seen.pop(str(mail.id), [])
            assert mail.status in {"sent", "unknown"}, mail
            assert len(copies) <= 1 + mail.doubts, mail
            assert copies or mail.status == "unknown", mail
            assert len(set(copies)) <= 1, "the very same bytes"
            for each in mail.escalation_ids:
                told[each] += 1
        assert not seen
        opened = {row.id for row in self.ask("select id from escalations")}
        assert told == dict.fromkeys(opened, 1)

    async def _open(self, count: int) -> list[UUID]:
        async with (
            opening(self.urls, self.home, self.world.url) as opened,
            opened.database.transaction(self.workspace) as session,
        ):
            return [
                await service.open(
                    session,
                    workspace_id=self.workspace,
                    channel_id=self.channel["whatsapp"],
                    subject="comment",
                    subject_id=uuid4(),
                    urgency="high",
                    reason="A complaint.",
                    now=clock.now(),
                )
                for _ in range(count)
            ]


@pytest.fixture(scope="module")
def lookout(
    server: EmbeddedServer, template: str, tmp_path_factory, nursery: Nursery, outside_world
) -> Iterator[Lookout]:
    """One for all tests of a module: each leaves it with everything settled, and a worker who lives."""
    home = tmp_path_factory.mktemp("lookout")
    with cluster.created(server, template) as name, Letterbox() as letterbox, contextlib.ExitStack() as stack:
        room = Lookout(
            urls_of(server, name),
            home,
            nursery,
            world=outside_world,
            letterbox=letterbox,
            also={
                "SMTP_URL": f"smtp://127.0.0.1:{letterbox.port}",
                "SOCIALSYNC_MAIL_FROM": "desk@example.com",
            },
        )
        stack.callback(room.end)
        asyncio.run(_found(room))
        room.ask("update channels set escalation_email = 'owner@example.com'")
        yield room
