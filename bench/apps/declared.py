"""The tasks of the benchmark on a procrastinate App, ours or the stock one, and how they are enqueued.

Enqueues when a module that calls ``main`` is run: ``latency COUNT EVERY`` or ``scheduled COUNT WITHIN``.
"""

import asyncio
import random
import sys
import time
from datetime import UTC, datetime

from procrastinate import App
from sink import tell

QUEUE = "bench"
_RANDOM = random.Random(1)  # noqa: S311 - the same instants for every rival


def declare(app: App) -> None:
    @app.task(name="bench.noop", queue=QUEUE)
    async def noop() -> None:
        pass

    @app.task(name="bench.value", queue=QUEUE)
    async def value() -> int:
        return 1

    @app.task(name="bench.touch", queue=QUEUE)
    async def touch(at: int) -> None:
        tell(at)

    @app.task(name="bench.work", queue=QUEUE)
    async def work(ms: int) -> None:
        await asyncio.sleep(ms / 1000)


async def latency(app: App, count: int, every: float) -> None:
    """One job at a time, each with the moment before its enqueue call."""
    touch = app.tasks["bench.touch"]
    async with app.open_async():
        for _ in range(count):
            await asyncio.sleep(every * _RANDOM.uniform(0.5, 1.5))
            await touch.defer_async(at=time.time_ns())


async def scheduled(app: App, count: int, within: float) -> None:
    """Jobs for random instants from two seconds on, each with its instant."""
    touch = app.tasks["bench.touch"]
    async with app.open_async():
        first = time.time() + 2
        for _ in range(count):
            at = round((first + _RANDOM.uniform(0, within)) * 1e6) * 1000
            when = datetime.fromtimestamp(at / 1e9, UTC)
            await touch.configure(schedule_at=when).defer_async(at=at)


def main(app: App) -> None:
    what, count, seconds = sys.argv[1:]
    enqueue = {"latency": latency, "scheduled": scheduled}[what]
    asyncio.run(enqueue(app, int(count), float(seconds)))
