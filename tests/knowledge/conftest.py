"""A workspace that learns, and jobs that run as a worker would run them."""

import hashlib
import time
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest
from procrastinate.job_context import JobContext
from procrastinate.jobs import Job
from sqlalchemy import text

from socialsync.features.knowledge import answers, service
from socialsync.queue.worker import RESOURCES
from socialsync.resources import Resources
from socialsync.worker import app
from tests.conftest import add_workspace, opening

REASON = "a test of knowledge"
PART = 2**20


@dataclass
class Library:
    """Where documents are learnt: a workspace, and a worker of ours."""

    opened: Resources
    workspace_id: UUID

    async def add(self, content: str | bytes, filename: str = "document.md", **values: Any):
        """A document as an upload stores it; its job has not run yet."""
        data = content.encode() if isinstance(content, str) else content
        given = {
            "title": filename, "source": "file", "filename": filename, "size_bytes": len(data),
            "digest": hashlib.sha256(data).digest(), **values,
        }  # fmt: skip
        async with self.opened.database.transaction(self.workspace_id) as session:
            document, is_new = await service.add_document(session, self.workspace_id, given)
            if is_new:
                await self._store(session, document, data)
        return document

    async def replace(self, document_id: UUID, content: str, *, now) -> None:
        data = content.encode()
        values = {"digest": hashlib.sha256(data).digest(), "size_bytes": len(data)}
        async with self.opened.database.transaction(self.workspace_id) as session:
            document, is_new = await service.replace_document(session, document_id, values, now=now)
            if is_new:
                await self._store(session, document, data)

    async def _store(self, session, document, data: bytes) -> None:
        for n in range((len(data) + PART - 1) // PART):
            await service.add_part(session, document, n, data[n * PART : (n + 1) * PART])

    async def learn(self, content: str | bytes, filename: str = "document.md", **values: Any):
        document = await self.add(content, filename, **values)
        await self.work()
        return await self.see(document.id)

    async def see(self, document_id: UUID) -> dict[str, Any]:
        return (await self.rows("select * from knowledge_documents where id = :id", id=document_id))[0]

    async def rows(self, sql: str, **values: Any) -> list[dict[str, Any]]:
        async with self.opened.database.system_transaction(REASON) as session:
            return [dict(row) for row in (await session.execute(text(sql), values)).mappings()]

    async def work(self) -> list[Any]:
        """Run every job that waits, and those that they defer."""
        results = []
        while waiting := await self.rows(
            "select id from procrastinate_jobs where status = 'todo' order by id"
        ):
            results += [await self.run(row["id"]) for row in waiting]
        return results

    async def run(self, job_id: int) -> Any:
        (row,) = await self.rows(
            "with worker as (insert into procrastinate_workers default values returning id)"
            " update procrastinate_jobs set status = 'doing', worker_id = (select id from worker)"
            " where id = :id returning *, status::text as status",
            id=job_id,
        )
        job = Job.from_row(row)
        context = JobContext(
            app=app, worker_name="tests", job=job, start_timestamp=time.time(),
            additional_context={RESOURCES: self.opened}, abort_reason=lambda: None,
        )  # fmt: skip
        result = await app.tasks[job.task_name].func(context, **job.task_kwargs)
        await self.rows(
            "update procrastinate_jobs set status = 'succeeded' where id = :id returning id", id=job_id
        )
        return result

    async def find(self, query: str, limit: int = 5):
        return await answers.find(self.opened, self.workspace_id, query, limit=limit)

    async def ask(self, question: str, language: str | None = None):
        return await answers.answer(self.opened, self.workspace_id, question, language=language)


@pytest.fixture
async def library(resources, workspace, simulator):
    return Library(resources, workspace.id)


@pytest.fixture
async def standing_library(fresh, tmp_path, simulator, parsers):
    """One on a database of its own, for calls that run beside one another."""
    async with opening(fresh, tmp_path, simulator.url) as opened:
        shared = replace(opened, pool=parsers)
        yield Library(shared, (await add_workspace(opened.database, "Le Port")).id)
