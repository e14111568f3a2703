"""A workspace with two channels of the simulator, and jobs that run as a worker would run them."""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from procrastinate.job_context import JobContext
from procrastinate.jobs import Job
from sqlalchemy import text

from socialsync import clock
from socialsync.ai import Models, open_ai
from socialsync.db.encryption import Cipher
from socialsync.features.accounts import service as accounts
from socialsync.features.channels import service as channels
from socialsync.features.posts import service as posts
from socialsync.platforms import open_platforms
from socialsync.queue.pool import Pool
from socialsync.queue.worker import RESOURCES
from socialsync.resources import Resources
from socialsync.worker import app as worker
from tests.conftest import add_key, calling

REASON = "a test of posts"
IG_USER, WA_NUMBER = "17841400000000001", "106540352242922"


@dataclass
class Office:
    """Where posts are made: a workspace, its channels, and a worker of ours."""

    opened: Resources
    workspace_id: UUID
    instagram: UUID
    whatsapp: UUID

    async def write(self, *, now: datetime, **content: Any):
        """A post, scheduled by the service; an Instagram image unless told otherwise."""
        usual = {"channel_id": self.instagram, "text": "Sunrise", "media_urls": ["https://example.com/s.jpg"]}
        if content.get("channel_id") == self.whatsapp:
            usual = {"text": "We open at nine.", "recipients": ["+33612345601"]}
        async with self.opened.database.transaction(self.workspace_id) as session:
            return await posts.schedule(session, self.workspace_id, {**usual, **content}, now=now)

    async def see(self, post_id: UUID) -> dict[str, Any]:
        return (await self.rows("select * from posts where id = :id", id=post_id))[0]

    async def runs(self, post_id: UUID) -> list[dict[str, Any]]:
        return await self.rows("select * from post_runs where post_id = :id order by attempt", id=post_id)

    async def jobs(self, task: str = "posts.publish_post") -> list[dict[str, Any]]:
        return await self.rows(
            "select *, status::text as status from procrastinate_jobs where task_name = :task order by id",
            task=task,
        )

    async def rows(self, sql: str, **values: Any) -> list[dict[str, Any]]:
        async with self.opened.database.system_transaction(REASON) as session:
            return [dict(row) for row in (await session.execute(text(sql), values)).mappings()]

    async def run(self, job_id: int) -> Any:
        """Run a job's task as a worker that has claimed it."""
        context = await self.claim(job_id)
        return await worker.tasks[context.job.task_name].func(context, **context.job.task_kwargs)

    async def claim(self, job_id: int) -> JobContext:
        """Be the worker that has this job now; whatever else held its lock has ended."""
        await self.rows(
            "update procrastinate_jobs other set status = 'succeeded' from procrastinate_jobs job"
            " where job.id = :id and other.lock = job.lock and other.status = 'doing' and other.id <> job.id"
            " returning other.id",
            id=job_id,
        )
        (row,) = await self.rows(
            "with worker as (insert into procrastinate_workers default values returning id)"
            " update procrastinate_jobs set status = 'doing', worker_id = (select id from worker)"
            " where id = :id returning *, status::text as status",
            id=job_id,
        )
        job = Job.from_row(row)
        return JobContext(
            app=worker,
            worker_name="tests",
            job=job,
            start_timestamp=time.time(),
            additional_context={RESOURCES: self.opened},
            abort_reason=lambda: None,
        )

    async def retry(self, job_id: int) -> Any:
        """Run it again, as the policy would later."""
        await self.rows(
            "update procrastinate_jobs set status = 'todo', attempts = attempts + 1 where id = :id"
            " returning id",
            id=job_id,
        )
        return await self.run(job_id)

    async def enqueue_due(self) -> dict[str, Any]:
        """What the minute's tick does."""
        (row,) = await self.rows(
            "insert into procrastinate_jobs (queue_name, task_name, args)"
            " values ('scheduler', 'posts.enqueue_due_posts', '{}') returning id"
        )
        return await self.run(row["id"])

    async def publish(self, post_id: UUID) -> int:
        """Enqueue it now; the id of its job, which has not run yet."""
        async with self.opened.database.transaction(self.workspace_id) as session:
            await posts.publish_now(session, post_id, now=clock.now())
        return (await self.runs(post_id))[-1]["job_id"]


@pytest.fixture
async def desk(app, database, office):
    """An operator of the office, at the real application."""
    async with calling(app, await add_key(database, office.workspace_id, role="operator")) as client:
        yield client


@pytest.fixture
async def office(database, settings, shared, simulator):
    models = Models(f"{simulator.url}/v1", "a key", chat="gpt-4o-mini", embedding="text-embedding-3-small")
    async with (
        open_platforms(
            meta_graph_url=simulator.url, instagram_graph_url=simulator.url, version="v25.0"
        ) as platforms,
        open_ai(database, models) as ai,
    ):
        cipher = Cipher(settings.secret_keys)
        opened = Resources(settings, shared, database, cipher, platforms, ai, Pool())
        async with database.system_transaction(REASON) as session:
            workspace = await accounts.create_workspace(session, name="Bakery")
        connected = {}
        async with database.transaction(workspace.id) as session:
            for platform, external_id in (("instagram", IG_USER), ("whatsapp", WA_NUMBER)):
                new = {"platform": platform, "name": platform, "external_id": external_id}
                channel = await channels.connect(
                    session, cipher, workspace.id, new, access_token="EAAtoken", actor="tests"
                )
                connected[platform] = channel.id
        yield Office(opened, workspace.id, **connected)
