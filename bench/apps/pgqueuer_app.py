"""PgQueuer with the same tasks, on psycopg."""

import asyncio
import os
import random
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import psycopg
from pgqueuer import PgQueuer
from pgqueuer.db import PsycopgDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries
from sink import tell

_URL = os.environ["BENCH_URL"]
_CHUNK = 1_000
_RANDOM = random.Random(1)  # noqa: S311 - the same instants for every rival


@asynccontextmanager
async def worker() -> AsyncIterator[PgQueuer]:
    """What ``pgq run pgqueuer_app:worker`` runs."""
    async with await psycopg.AsyncConnection.connect(_URL, autocommit=True) as connection:
        queue = PgQueuer.from_psycopg_connection(connection)

        @queue.entrypoint("noop")
        async def noop(job: Job) -> None:
            pass

        @queue.entrypoint("touch")
        async def touch(job: Job) -> None:
            tell(int(job.payload or b"0"))

        yield queue


async def main(what: str, count: int, seconds: float) -> None:
    """``install``, ``enqueue COUNT``, ``latency COUNT EVERY`` or ``scheduled COUNT WITHIN``."""
    async with await psycopg.AsyncConnection.connect(_URL, autocommit=True) as connection:
        queries = Queries(PsycopgDriver(connection))
        if what == "install":
            await queries.install()
        elif what == "enqueue":
            for start in range(0, count, _CHUNK):
                n = min(_CHUNK, count - start)
                await queries.enqueue(["noop"] * n, [None] * n, [0] * n)
        elif what == "latency":
            for _ in range(count):
                await asyncio.sleep(seconds * _RANDOM.uniform(0.5, 1.5))
                await queries.enqueue("touch", str(time.time_ns()).encode())
        else:
            first = time.time() + 2
            for _ in range(count):
                at = round((first + _RANDOM.uniform(0, seconds)) * 1e6) * 1000
                wait = timedelta(microseconds=(at - time.time_ns()) / 1000)
                await queries.enqueue("touch", str(at).encode(), execute_after=wait)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
