"""Stock workers that learn documents, and what must hold whatever is done to them."""

import asyncio
import contextlib
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import pytest

from socialsync import clock, registry
from socialsync.db.embedded import EmbeddedServer
from socialsync.db.urls import Urls
from socialsync.features.accounts import service as accounts
from socialsync.features.knowledge import service
from tests import cluster
from tests.chaos.conftest import PATIENCE, Nursery, wait_for
from tests.chaos.posts.conftest import REASON, Newsroom
from tests.conftest import opening, urls_of
from tests.simulator.server import SimulatorServer

STORED = """
select case when heading is null then text else heading || E'\\n' || text end as text
from knowledge_drafts draft where document_id = %(id)s and exists (
    select from knowledge_vectors vector
    where vector.document_id = draft.document_id and vector.digest = draft.digest)
union
select case when heading is null then text else heading || E'\\n' || text end
from knowledge_chunks where document_id = %(id)s
"""
LEFT = """
select (select count(*) from procrastinate_jobs where status in ('todo', 'doing')
        and task_name like 'knowledge.%')
    + (select count(*) from knowledge_documents where status in ('pending', 'processing'))
"""
NEGLECTED = """
update knowledge_documents set updated_at = updated_at - interval '2 minutes'
where status in ('pending', 'processing') and not exists (
    select from procrastinate_jobs job where job.id = job_id and job.status in ('todo', 'doing'))
"""
DUE = """
update procrastinate_jobs set scheduled_at = now() where id in (
    select id from procrastinate_jobs where status = 'todo' and scheduled_at > now() for update skip locked);
select pg_notify('queue_control', '')
"""
TOLD = """
select document.id, document.status, step, progress, document.error, job_id, (select array_agg(
    concat_ws(' ', job.id, task_name, job.status, worker_id, x_kills) order by job.id)
    from procrastinate_jobs job where job.args ->> 'document_id' = document.id::text) as jobs
from knowledge_documents document where document.status in ('pending', 'processing')
"""


@dataclass
class Library(Newsroom):
    """A workspace, the workers who read for it, and the models they ask."""

    queues: ClassVar[str] = "ingest"

    expected: dict[UUID, list[str]] = field(default_factory=dict)

    def tell(self) -> str:
        said = (f"--- {pid}\n{self.log(pid)[-3_000:]}" for pid in self.pids[-2:])
        return "\n".join([*said, *map(str, self.ask(TOLD))])

    def add(self, values: dict[str, Any], content: str) -> UUID:
        return asyncio.run(self._add(values, content))

    def replace(self, document_id: UUID, content: str) -> None:
        asyncio.run(self._replace(document_id, content))

    def over(self) -> bool:
        ((left,),) = self.ask(LEFT)
        if left:
            self.ask(NEGLECTED)
            self.ask(DUE)
        return not left

    def settle(self, within: float = PATIENCE) -> None:
        wait_for(self.over, "the end of all documents", within, tell=self.tell)

    def stored(self, document_id: UUID) -> set[str]:
        """What was embedded and is kept."""
        return {row.text for row in self.ask(STORED, id=document_id)}

    def paid(self) -> Counter[str]:
        """How often each text was embedded."""
        return Counter(
            text for effect in self.world.ledger(kind="openai_embedding") for text in effect["inputs"]
        )

    def audit_document(self, document_id: UUID, chunks: int) -> None:
        """One complete document, no chunk twice, and nothing left over."""
        (document,) = self.ask("select * from knowledge_documents where id = %(id)s", id=document_id)
        assert (document.status, document.progress, document.error) == ("indexed", 1.0, None)
        assert document.chunk_count == chunks
        found = self.ask(
            "select n, embedding is not null as whole from knowledge_chunks where document_id = %(id)s"
            " order by n",
            id=document_id,
        )
        assert [row.n for row in found] == list(range(chunks))
        assert all(row.whole for row in found)
        for table in ("knowledge_drafts", "knowledge_vectors"):
            assert self.ask(f"select id from {table}") == [], table  # noqa: S608 - tables of ours

    async def _add(self, values: dict[str, Any], content: str) -> UUID:
        data = content.encode()
        async with (
            opening(self.urls, self.home, self.world.url) as opened,
            opened.database.transaction(self.workspace) as session,
        ):
            document, is_new = await service.add_document(session, self.workspace, _of(values, data))
            if is_new and data:
                await service.add_part(session, document, 0, data)
            return document.id

    async def _replace(self, document_id: UUID, content: str) -> None:
        data = content.encode()
        async with (
            opening(self.urls, self.home, self.world.url) as opened,
            opened.database.transaction(self.workspace) as session,
        ):
            document, _ = await service.replace_document(session, document_id, _of({}, data), now=clock.now())
            await service.add_part(session, document, 0, data)


def _of(values: dict[str, Any], data: bytes) -> dict[str, Any]:
    content = {"digest": hashlib.sha256(data).digest(), "size_bytes": len(data)} if data else {}
    return {**content, **values}


async def _found(library: Library) -> None:
    async with (
        opening(library.urls, library.home, library.world.url) as opened,
        opened.database.system_transaction(REASON) as session,
    ):
        library.workspace = (await accounts.create_workspace(session, name="Library")).id


@contextlib.contextmanager
def library_on(urls: Urls, home: Path, nursery: Nursery, world: SimulatorServer) -> Iterator[Library]:
    world.reset()
    registry.load()
    library = Library(urls, home, nursery, world=world)
    asyncio.run(_found(library))
    yield library
    library.end()
    world.clear_faults()


@pytest.fixture(scope="module")
def library(
    server: EmbeddedServer, template: str, tmp_path_factory, nursery: Nursery, outside_world
) -> Iterator[Library]:
    """One for all tests of a module: each leaves it with everything settled, and a worker who lives."""
    home = tmp_path_factory.mktemp("library")
    with (
        cluster.created(server, template) as name,
        library_on(urls_of(server, name), home, nursery, outside_world) as library,
    ):
        yield library
