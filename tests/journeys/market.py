"""An App with tasks for the journey of controls, copied beside the workers that run it."""

import asyncio
import contextlib
import os
from datetime import timedelta
from uuid import UUID

from socialsync.db.direct import Line
from socialsync.queue import limits
from socialsync.resources import of
from socialsync.worker import app

LINE = []


@app.task(name="market.sell", queue="market", pass_context=True)
async def sell(job, number: int, seconds: float = 0.0, workspace_id: UUID | None = None) -> None:
    await note(job, "began", number)
    await asyncio.sleep(seconds)
    await note(job, "ended", number)


@app.task(name="market.call", queue="market", pass_context=True)
async def call(job, number: int) -> None:
    """Calls the outside, as often as all workers together may."""
    await limits.take_or_wait(of(job).database, "outside")
    await note(job, "called", number)


@app.task(name="market.tell", queue="market", keep_result=timedelta(seconds=1))
async def tell(number: int) -> dict:
    return {"number": number}


@app.task(name="market.ignore", queue="market", pass_context=True)
async def ignore(job, number: int) -> None:
    """Goes on, whoever asks it to end."""
    await note(job, "began", number)
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(600)


async def note(job, what: str, number: int) -> None:
    line = LINE or LINE.append(Line(of(job).urls.direct, name="the ledger")) or LINE
    await line[0].run(
        "insert into ledger (what, number, pid) values (%s, %s, %s)", (what, number, os.getpid())
    )
