"""How fast jobs are enqueued in bulk, and how many notifications that sends."""

import asyncio
import time

from bench.figures import median, number, spread
from bench.options import Options
from bench.progress import step
from bench.reports import Report, Table
from bench.rivals.procrastinates import STATEMENT, Ours, Procrastinate, Stock
from bench.scenarios.lineup import Lineup
from socialsync import registry
from socialsync.db.engine import create_engine
from socialsync.db.transaction import Database
from socialsync.db.urls import Urls, as_app
from socialsync.queue import deferring

MEANING = (
    f"Jobs a second when {STATEMENT:,} are enqueued in one statement and transaction, again and again."
    " `INSERT ... SELECT` is the limit: plain SQL into the same table with the same triggers, which write the"
    " events and notify."
)
NOTES = [
    (
        "deferring.defer_each is what the product calls: it checks every job's arguments, computes locks and"
        " gives the ids back; here it enqueues `operations.health_check`."
    ),
    (
        "Notifications are counted by a connection that listens on the queue's channel and on that of all"
        " queues."
    ),
]
_INSERT = """
insert into procrastinate_jobs (queue_name, task_name, priority, args)
select 'bench', 'bench.noop', 0, '{}' from generate_series(1, %s)
"""
_LISTENED = ('"procrastinate_queue_v1#bench"', '"procrastinate_any_queue_v1"')
_PLAIN, _FUNCTION, _EACH = "INSERT ... SELECT", "procrastinate_defer_jobs_v1", "deferring.defer_each"
_STOCK = "stock procrastinate: procrastinate_defer_jobs_v1"


def measure(lineup: Lineup, options: Options) -> Report:
    statements = max(1, options.jobs(60_000, 500_000) // STATEMENT)
    ours = lineup.get(Ours)
    ways = {_PLAIN: ours, _FUNCTION: ours, _EACH: ours}
    rivals: dict[str, Procrastinate] = {**ways}
    if lineup.has(Stock):
        rivals[_STOCK] = lineup.get(Stock)
    rates: dict[str, list[float]] = {way: [] for way in rivals}
    for _ in range(options.rounds):
        for way, rival in rivals.items():
            rival.reset()
            rival.ground.settle()
            with step(f"enqueue: {way}"):
                seconds = _enqueue(way, rival, statements)
            rates[way].append(statements * STATEMENT / seconds)
    heard = _notifications(ours)
    table = Table(["", "jobs/s", "worst - best round", "share of the limit"])
    limit = median(rates[_PLAIN])
    for way, found in rates.items():
        share = f"{median(found) / limit:.0%}"
        table.rows.append([way, number(median(found)), spread(found), "" if way == _STOCK else share])
    counted = Table(["notifications of one statement", "sent"])
    counted.rows = [
        [f"{STATEMENT:,} jobs of one queue, on {channel.strip(chr(34))}", str(n)]
        for channel, n in heard.items()
    ]
    ours.reset()
    return Report("enqueue", MEANING, [table, counted], list(NOTES), {"rates": rates, "notifications": heard})


def _enqueue(way: str, rival: Procrastinate, statements: int) -> float:
    if way == _EACH:
        return asyncio.run(_defer_each(rival, statements))
    began = time.perf_counter()
    for _ in range(statements):
        if way == _PLAIN:
            rival.connection.execute(_INSERT, [STATEMENT])
        else:
            rival.defer(STATEMENT)
    return time.perf_counter() - began


async def _defer_each(rival: Procrastinate, statements: int) -> float:
    registry.load()
    url = as_app(rival.ground.url(rival.database))
    engine = create_engine(Urls(app=url, direct=url, owner=url))
    database = Database(engine)
    try:
        async with database.system_transaction("the benchmark") as session:
            await deferring.defer_each(session, "operations.health_check", [{}])
        began = time.perf_counter()
        for _ in range(statements):
            async with database.system_transaction("the benchmark") as session:
                await deferring.defer_each(session, "operations.health_check", [{}] * STATEMENT)
        return time.perf_counter() - began
    finally:
        await engine.dispose()


def _notifications(rival: Procrastinate) -> dict[str, int]:
    """How many a listener hears on each channel of one statement."""
    heard = dict.fromkeys(_LISTENED, 0)
    with rival.ground.connect(rival.database) as listener:
        for channel in _LISTENED:
            listener.execute(f"listen {channel}".encode())
        rival.defer(STATEMENT)
        for one in listener.notifies(timeout=1):
            heard[f'"{one.channel}"'] += 1
    return heard
