import json
import time

import pytest
from procrastinate.job_context import JobContext
from procrastinate.jobs import Job
from sqlalchemy import select, text

from socialsync.db.audit import AuditEntry
from socialsync.features.channels.models import Channel
from socialsync.queue.worker import RESOURCES
from socialsync.worker import app as worker

URL = "/api/v1/channels"
TOKEN = "EAAGm0PX4ZCpsBA-secret"
NEW = {"platform": "whatsapp", "name": "Front desk", "external_id": "106540352242922", "access_token": TOKEN}


@pytest.fixture
def rows(database):
    """The channels of every workspace as they are stored, oldest first."""

    async def read():
        async with database.system_transaction("a test looks at the rows") as session:
            return (await session.scalars(select(Channel).order_by(Channel.id))).all()

    return read


@pytest.fixture
def audited(database):
    """What was done to channels, in order."""

    async def read():
        async with database.system_transaction("a test looks at the deeds") as session:
            entries = (await session.scalars(select(AuditEntry).order_by(AuditEntry.id))).all()
        return [entry for entry in entries if entry.subject.startswith("channel:")]

    return read


@pytest.fixture
def run_job(database, resources):
    """Run a task as a worker that has claimed a job of it; what it returns."""
    born = text(
        "insert into procrastinate_jobs (queue_name, task_name, args)"
        " values ('default', :task, cast(:args as jsonb)) returning *, status::text as status"
    )

    async def run(task, arguments):
        async with database.system_transaction("a test defers a job") as session:
            values = {"task": task, "args": json.dumps(arguments)}
            job = Job.from_row(dict((await session.execute(born, values)).mappings().one()))
        context = JobContext(
            app=worker,
            worker_name="tests",
            job=job,
            start_timestamp=time.time(),
            additional_context={RESOURCES: resources},
            abort_reason=lambda: None,
        )
        return await worker.tasks[task].func(context, **job.task_kwargs)

    return run


@pytest.fixture
async def channel(client):
    """A channel, as its creation answered."""
    return (await client.post(URL, json=NEW)).json()
