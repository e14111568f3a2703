"""The App that the workers of these tests load. Its tasks keep a ledger of what really ran."""

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
from procrastinate import PsycopgConnector

from socialsync import clock, telemetry
from socialsync.db.direct import Line
from socialsync.db.engine import create_engine
from socialsync.db.transaction import Database
from socialsync.db.urls import Urls
from socialsync.errors import Temporary
from socialsync.queue.app import App
from socialsync.queue.patience import Patience
from socialsync.queue.policies import Wait
from socialsync.queue.schedules import New

URL = os.environ["DATABASE_URL"]
GIVEN = json.loads(os.environ.get("CHAOS", "{}"))
LEDGER = Line(os.environ.get("LEDGER_URL", URL), name="the ledger")
ALONE = asyncio.Lock()
"""A line is for one statement at a time."""
NOTE = (
    "insert into ledger (job_id, run, pid, what, kills, attempts)"
    " select id, %s::uuid, %s, %s, x_kills, attempts from procrastinate_jobs where id = %s"
    " on conflict do nothing"
)
BEFORE = "select count(*) from ledger where job_id = %s and what = %s"


@dataclass(frozen=True)
class Opened:
    urls: Urls
    database: Database


class Shifted(clock.MovableClock):
    """The system's clock, wrong by some seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(datetime.now(UTC))
        self._off = timedelta(seconds=seconds)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._off


@asynccontextmanager
async def lifespan():
    telemetry.configure(level="INFO", form="json")
    urls = Urls(app=URL, direct=URL, owner=URL)
    engine = create_engine(urls, pool_size=2)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, tell_tasks)
    off = GIVEN.get("clock_off_s")
    with clock.use(Shifted(off)) if off else contextlib.nullcontext():
        yield Opened(urls, Database(engine))
    await engine.dispose()


app = App(
    connector=PsycopgConnector(conninfo=URL, min_size=1, max_size=1),
    lifespan=lifespan,
    timetable=[New(**entry) for entry in GIVEN.get("timetable", [])],
    patience=Patience(**GIVEN.get("patience", {})),
    worker_defaults={"concurrency": GIVEN.get("concurrency", 5)},
)


def tell_tasks() -> None:
    """What every coroutine waits for: asked when a test fails."""
    for task in asyncio.all_tasks():
        task.print_stack()


def limited(task, *, soft: float, hard: float):
    """Give a task other limits than its policy's."""
    details = app.details[task.name]
    policy = replace(details.policy, soft=timedelta(seconds=soft), hard=timedelta(seconds=hard))
    app.details[task.name] = replace(details, policy=policy)
    return task


async def note(job, run: str, what: str) -> None:
    """Write it down, however often Postgres goes away meanwhile."""
    await insist(NOTE, (run, os.getpid(), what, job.job.id))


async def insist(statement: str, parameters):
    while True:
        try:
            async with ALONE:
                return await LEDGER.run(statement, parameters)
        except (psycopg.Error, OSError):
            await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def noted(job):
    """A run in the ledger: that it started, and that it came to its end."""
    run = str(uuid4())
    await note(job, run, "started")
    try:
        yield run
    except asyncio.CancelledError:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await note(job, run, "cancelled")
        raise
    await note(job, run, "ended")


@app.task(name="chaos.work", queue="chaos", pass_context=True)
async def work(job, seconds: float = 0.0, again_seconds: float | None = None, n: int = 0) -> str:
    """Takes so long; when it is run again, another time."""
    async with noted(job) as run:
        if again_seconds is not None:
            ((before,),) = await insist(BEFORE, (job.job.id, "started"))
            seconds = seconds if before == 1 else again_seconds
        await asyncio.sleep(seconds)
    return run


@app.task(name="chaos.retry", queue="chaos", pass_context=True)
async def retry(job, n: int = 0) -> str:
    """Fails at its first attempt."""
    async with noted(job) as run:
        if job.job.attempts == 0:
            await note(job, run, "failed")
            raise Temporary("not yet", retry_after=timedelta(seconds=0.2))
    return run


@app.task(name="chaos.wait", queue="chaos", pass_context=True)
async def wait(job, n: int = 0, seconds: float = 0.2) -> str:
    """Waits once, which is not to fail."""
    async with noted(job) as run:
        ((before,),) = await insist(BEFORE, (job.job.id, "waits"))
        if not before:
            await note(job, run, "waits")
            raise Wait(timedelta(seconds=seconds))
    return run


@app.task(name="chaos.slide", queue="chaos", pass_context=True)
async def slide(job, n: int = 0) -> str:
    """What it was to do is in its arguments, which slide with it."""
    async with noted(job) as run:
        await asyncio.sleep(0.01)
    return run


@app.task(name="chaos.poison", queue="chaos", pass_context=True)
async def poison(job) -> str:
    async with noted(job):
        await asyncio.sleep(0.2)
        os.kill(os.getpid(), signal.SIGKILL)


@app.task(name="chaos.block", queue="chaos", pass_context=True)
async def block(job) -> str:
    """C code that holds the interpreter and never comes back."""
    async with noted(job):
        await asyncio.sleep(0.5)
        ctypes.PyDLL(None).sleep(600)


@app.task(name="chaos.deafen", queue="chaos", pass_context=True)
async def deafen(job) -> str:
    """Python code that blocks the loop."""
    async with noted(job):
        await asyncio.sleep(0.5)
        time.sleep(600)  # noqa: ASYNC251 - the point of it


@app.task(name="chaos.numb", queue="chaos")
async def numb() -> None:
    """As that, from its very first step on."""
    time.sleep(600)  # noqa: ASYNC251 - the point of it


@app.task(name="chaos.swallow", queue="chaos", pass_context=True)
async def swallow(job) -> str:
    async with noted(job):
        while True:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(600)


limited(block, soft=1, hard=1)
limited(swallow, soft=1, hard=1)
