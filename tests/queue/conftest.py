"""Tasks to defer, and jobs as rows."""

from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from procrastinate import PsycopgConnector
from sqlalchemy import text

from socialsync.db.transaction import Database
from socialsync.db.urls import Urls
from socialsync.queue.app import App
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


@dataclass
class Opened:
    database: Database
    urls: Urls


@pytest.fixture
async def app(fresh, fresh_database):
    """An App of our own on a database of its own."""

    @asynccontextmanager
    async def lifespan():
        yield Opened(fresh_database, fresh)

    app = App(connector=PsycopgConnector(conninfo=fresh.app), lifespan=lifespan)
    app.include(HOUSE)
    async with app.open_async():
        yield app


async def work(app: App, **options) -> None:
    await app.run_worker_async(wait=False, install_signal_handlers=False, **options)
