"""``socialsync bench``: how fast this installation's queue is, in a scratch database, dropped afterwards.

``make bench`` (a checkout's) compares with other queues; this one takes seconds and needs nothing else.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from tempfile import TemporaryFile
from typing import Annotated, Any

import typer
from psycopg.conninfo import make_conninfo
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from socialsync import clock, settings
from socialsync.cli.output import AsJson, out
from socialsync.cli.stack import Stack
from socialsync.db import migrations, urls
from socialsync.db.direct import Line
from socialsync.errors import Conflict, Failed

_TASK, _QUEUE = "operations.health_check", "default"
_DEFER = """
select procrastinate_defer_jobs_v1(array(
    select row(%s, %s, 0, null, null, '{}', null)::procrastinate_job_to_defer_v1 from generate_series(1, %s)
))
"""
_LEFT = "select count(*) from procrastinate_jobs where status in ('todo', 'doing')"
_SPAN = """
select extract(epoch from max(x_finished_at) - min(x_started_at))::float, count(*)
from procrastinate_jobs where status = 'succeeded'
"""
_STARTS = "select job_id, result ->> 'at' from job_results where job_id = any (%s)"
_IDLE_EVERY = 0.05
_LOOK_EVERY = 0.2
_WARM_UP = 20
_PATIENCE = 120.0
Row = tuple[Any, ...]
Tell = Callable[[str, float, float], None]


def bench(
    jobs: Annotated[int, typer.Option(min=100, max=1_000_000, help="Jobs to consume.")] = 10_000,
    samples: Annotated[int, typer.Option(min=10, max=10_000, help="Jobs to pick up, one by one.")] = 100,
    concurrency: Annotated[int, typer.Option(min=1, max=1000, help="The worker's.")] = 200,
    yes: Annotated[bool, typer.Option("--yes", help="Also on a server that DATABASE_URL names.")] = False,
    as_json: AsJson = False,
) -> None:
    """Measure this installation's queue: jobs a second, and how soon an idle worker starts one."""
    environment = settings.load()
    if not environment.embedded and not yes:
        raise Conflict(
            "DATABASE_URL names a server that others may be using.",
            fix="Add --yes to create a scratch database there, load it for some seconds and drop it.",
        )
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=Console(stderr=True), transient=True,
    ) as progress:  # fmt: skip
        bars: dict[str, Any] = {}

        def tell(what: str, done: float, of: float) -> None:
            if what not in bars:
                bars[what] = progress.add_task(what, total=of)
            progress.update(bars[what], completed=done)

        found = asyncio.run(_measure(environment, jobs, samples, concurrency, tell))
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("measured", "figure"):
        table.add_column(name)
    table.add_row("Consumed, one process", f"{found['jobs_per_s']:,.0f} jobs/s")
    table.add_row("Enqueued, one statement", f"{found['enqueued_per_s']:,.0f} jobs/s")
    table.add_row("Pickup when idle, p50", f"{found['pickup_p50_ms']:.1f} ms")
    table.add_row("Pickup when idle, p99", f"{found['pickup_p99_ms']:.1f} ms")
    out.print(table)
    out.print(f"[dim]{jobs:,} times {_TASK}, events and results kept, concurrency {concurrency}.[/]")


async def _measure(
    environment: settings.Settings, jobs: int, samples: int, concurrency: int, tell: Tell
) -> dict[str, float]:
    async with (
        _scratch(urls.resolve(environment)) as scratch,
        _line(scratch.owner) as owner,
    ):
        began = asyncio.get_running_loop().time()
        await owner.run(_DEFER, [_QUEUE, _TASK, jobs])
        enqueued = jobs / (asyncio.get_running_loop().time() - began)
        await owner.run("vacuum analyze procrastinate_jobs")
        async with _worker(environment, scratch, concurrency) as worker:
            await _until_none_left(owner, worker, lambda left: tell("Consuming", jobs - left, jobs))
            seconds, ended = await _row(owner, _SPAN)
            late = await _pickups(owner, worker, samples, tell)
    return {
        "jobs_per_s": round(ended / seconds, 1),
        "enqueued_per_s": round(enqueued, 1),
        "pickup_p50_ms": round(1000 * late[len(late) // 2], 2),
        "pickup_p99_ms": round(1000 * late[min(len(late) - 1, len(late) * 99 // 100)], 2),
    }


@asynccontextmanager
async def _scratch(found: urls.Urls) -> AsyncIterator[urls.Urls]:
    """A migrated database of its own on the same server."""
    name = f"socialsync_bench_{secrets.token_hex(4)}"
    async with _line(found.owner) as owner:
        await owner.run(f"create database {name}")
        try:
            direct, admin = (make_conninfo(url, dbname=name) for url in (found.direct, found.owner))
            await asyncio.to_thread(migrations.upgrade, admin)
            yield urls.Urls(app=direct, direct=direct, owner=admin)
        finally:
            await owner.run(f"drop database {name} with (force)")


@asynccontextmanager
async def _line(url: str) -> AsyncIterator[Line]:
    line = Line(url, name="socialsync bench", answer_within=_PATIENCE, prepared=False)
    try:
        yield line
    finally:
        await line.close()


@asynccontextmanager
async def _worker(
    environment: settings.Settings, scratch: urls.Urls, concurrency: int
) -> AsyncIterator[Stack]:
    told = {
        "DATABASE_URL": scratch.app,
        "DATABASE_DIRECT_URL": scratch.direct,
        "DATABASE_OWNER_URL": scratch.owner,
        "SOCIALSYNC_HOME": str(environment.home),
        "SOCIALSYNC_LOG_LEVEL": "error",
    }
    with TemporaryFile() as output:
        stack = Stack(environment, "", told, output.fileno())
        try:
            await stack.start("worker", "worker", "-q", _QUEUE, "--concurrency", str(concurrency))
            yield stack
        finally:
            await stack.stop()


async def _pickups(owner: Line, worker: Stack, samples: int, tell: Tell) -> list[float]:
    """Seconds from before each enqueue to the task's start, in order of size."""
    sent: dict[int, datetime] = {}
    for number in range(_WARM_UP + samples):
        await asyncio.sleep(_IDLE_EVERY)
        at = clock.now()
        ((job_id,),) = await _row(owner, _DEFER, [_QUEUE, _TASK, 1])
        if number >= _WARM_UP:
            sent[job_id] = at
        tell("Picking up", max(0, number - _WARM_UP + 1), samples)
    await _until_none_left(owner, worker, lambda _: None)
    rows = await owner.run(_STARTS, [list(sent)])
    return sorted((datetime.fromisoformat(at) - sent[job_id]).total_seconds() for job_id, at in rows)


async def _until_none_left(owner: Line, worker: Stack, tell: Callable[[int], None]) -> None:
    deadline = asyncio.get_running_loop().time() + _PATIENCE
    while left := (await _row(owner, _LEFT))[0]:
        tell(left)
        if worker.processes["worker"].returncode is not None:
            raise Failed("The worker ended.", fix="Start one by hand, its log says why: socialsync worker")
        if asyncio.get_running_loop().time() > deadline:
            raise Failed(f"{left} jobs are left after {_PATIENCE:.0f} s.")
        await asyncio.sleep(_LOOK_EVERY)
    tell(0)


async def _row(owner: Line, statement: str, parameters: list[Any] | None = None) -> Row:
    (row,) = await owner.run(statement, parameters or ())
    return row
