"""Whether the database is there and migrated, told within seconds whatever happens to it."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from psycopg.errors import QueryCanceled
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import telemetry
from socialsync.db import revisions
from socialsync.db.embedded import APP_ROLE
from socialsync.db.transaction import Database
from socialsync.errors import Temporary
from socialsync.queue import inspection
from socialsync.queue.inspection import QueueState

log = telemetry.get_logger(__name__)

PATIENCE_S = 3.0
_REASON = "health looks at the whole installation"
T = TypeVar("T")
_left_alone: set[asyncio.Task[Any]] = set()
"""Looks that took too long, kept until they have ended."""


class NotReady(Temporary):
    """This process cannot do its work at present."""


@dataclass(frozen=True)
class Seen:
    """What one look saw. ``queues`` is None when there was too much to count in time."""

    workers: int
    queues: dict[str, QueueState] | None


async def check(database: Database) -> None:
    """Raises NotReady, with the reason and what to do."""
    await _within_patience(_look(database, count=False))


async def see(database: Database) -> Seen:
    """Raises NotReady."""
    return await _within_patience(_look(database, count=True))


async def _look(database: Database, *, count: bool) -> Seen:
    try:
        async with database.system_transaction(_REASON) as session:
            await inspection.bound(session)
            behind = await revisions.is_behind(session)
            if not behind:
                return await _count(session) if count else Seen(0, None)
    except (DBAPIError, PoolTimeout) as error:
        log.warning("database away", error=type(error).__name__)
        behind = f'role "{APP_ROLE}" does not exist' in str(error)  # the first migration makes it
        if not behind:
            raise _away() from None
    raise NotReady("The database lacks migrations.", fix=f"Run: {revisions.UPGRADE}")


async def _count(session: AsyncSession) -> Seen:
    workers = await inspection.count_active_workers(session)
    try:
        return Seen(workers, await inspection.queue_states(session))
    except OperationalError as error:
        if not isinstance(error.orig, QueryCanceled):
            raise
        return Seen(workers, None)


async def _within_patience(look: Coroutine[Any, Any, T]) -> T:
    """Not ``asyncio.timeout``: it would wait for the cancellation, which a silent host delays further."""
    task = asyncio.create_task(look)
    done, _ = await asyncio.wait({task}, timeout=PATIENCE_S)
    if done:
        return task.result()
    _left_alone.add(task)
    task.add_done_callback(_forget)
    task.cancel()
    raise _away()


def _forget(task: asyncio.Task[Any]) -> None:
    _left_alone.discard(task)
    if not task.cancelled():
        task.exception()  # looked at, so that nobody complains of it


def _away() -> NotReady:
    return NotReady(
        "The database does not answer.",
        fix="Start Postgres (the embedded one: socialsync db start), or check DATABASE_URL.",
        retry_after=timedelta(seconds=5),
    )
