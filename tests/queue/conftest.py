"""Tasks to defer, and jobs as rows."""

import pytest
from sqlalchemy import text

from socialsync.queue.tasks import HOUSE

SYSTEM = "a test of the queue"


async def _note(job, *, word: str) -> str:
    return f"{job.worker_name}: {word}"


@pytest.fixture(scope="session", autouse=True)
def declared():
    """A task of the house, for these tests only."""
    if "tests.note" not in HOUSE.tasks:
        HOUSE.task(name="tests.note", queue="tests", policy="base", priority=3, pass_context=True)(_note)
    yield
    HOUSE.tasks.pop("tests.note", None)
    HOUSE.details.pop("tests.note", None)


async def jobs(session):
    rows = await session.execute(
        text(
            "select id, queue_name, task_name, priority, status::text, args, lock, queueing_lock,"
            " scheduled_at, x_expires_at, attempts from procrastinate_jobs order by id"
        )
    )
    return rows.mappings().all()
