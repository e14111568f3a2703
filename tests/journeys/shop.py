"""An App with tasks of its own, copied beside the worker that is to run it. It keeps a ledger of what ran."""

import asyncio
import os

from socialsync.db.direct import Line
from socialsync.resources import of
from socialsync.worker import app

VERSION = 1
HOARD = []
LINE = []


@app.task(name="shop.sell", queue="shop", pass_context=True)
async def sell(job, number: int, seconds: float = 0.01) -> None:
    """Note that it began, take so long, and note that it has ended."""
    await note(job, "began", number)
    await asyncio.sleep(seconds)
    await note(job, "ended", number)


@app.task(name="shop.hoard", queue="shop", pass_context=True)
async def hoard(job, mebibytes: int) -> None:
    HOARD.append(bytearray(os.urandom(1024) * 1024 * mebibytes))
    await note(job, "hoarded", mebibytes)


async def note(job, what: str, number: int) -> None:
    line = LINE or LINE.append(Line(of(job).urls.direct, name="the ledger")) or LINE
    await line[0].run(
        "insert into ledger (what, number, pid, version, worker) values (%s, %s, %s, %s, %s)",
        (what, number, os.getpid(), VERSION, job.worker_name),
    )
