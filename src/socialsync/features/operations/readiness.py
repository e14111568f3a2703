"""Whether the database is there, migrated and new enough, told within seconds whatever happens to it."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from weakref import WeakKeyDictionary

import psycopg
from psycopg.errors import QueryCanceled
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import telemetry
from socialsync.db import revisions, vectors
from socialsync.db.embedded import APP_ROLE
from socialsync.db.transaction import Database
from socialsync.errors import Temporary
from socialsync.queue import inspection
from socialsync.queue.shapes import QueueState

log = telemetry.get_logger(__name__)

PATIENCE_S = 3.0
_REASON = "health looks at the whole installation"
_looks: WeakKeyDictionary[Database, dict[bool, asyncio.Task["Seen"]]] = WeakKeyDictionary()
"""The latest looks at each database: without and with counting."""


class NotReady(Temporary):
    """This process cannot do its work at present."""


@dataclass(frozen=True)
class Seen:
    """What one look saw. ``queues`` is None when there was too much to count in time."""

    workers: int
    queues: dict[str, QueueState] | None
    utilisation: float | None = None


async def check(database: Database) -> None:
    """Raises NotReady, with the reason and what to do."""
    await _patiently(database, count=False)


async def see(database: Database) -> Seen:
    """Raises NotReady."""
    return await _patiently(database, count=True)


async def _patiently(database: Database, *, count: bool) -> Seen:
    """Share the look that is under way, so that many who ask cost no more than one; leave one that lasts.

    It is left to end by itself, because a cancellation would be waited for, too, on a host that is silent.
    """
    looks = _looks.setdefault(database, {})
    look = looks.get(count)
    if look is None or look.done():
        look = looks[count] = asyncio.create_task(_look(database, count=count))
        look.add_done_callback(_note_error)
    done, _ = await asyncio.wait({look}, timeout=PATIENCE_S)
    if not done:
        raise _away()
    return look.result()


async def _look(database: Database, *, count: bool) -> Seen:
    try:
        async with database.system_transaction(_REASON) as session:
            await inspection.bound(session)
            fault = await vectors.fault(session)
            behind = await revisions.is_behind(session)
            if not behind and fault is None:
                return await _count(session) if count else Seen(0, None)
    except (DBAPIError, PoolTimeout, psycopg.Error) as error:
        log.warning("database away", error=type(error).__name__)
        fault, behind = (
            None,
            f'role "{APP_ROLE}" does not exist' in str(error),
        )  # the first migration makes it
        if not behind:
            raise _away() from None
    if fault is not None and not behind:
        problem, fix = fault
        raise NotReady(problem, fix=fix)
    raise NotReady("The database lacks migrations.", fix=f"Run: {revisions.UPGRADE}")


async def _count(session: AsyncSession) -> Seen:
    found = await inspection.workers(session)
    workers, busy = sum(worker.alive for worker in found), inspection.utilisation(found)
    try:
        return Seen(workers, await inspection.queue_states(session), busy)
    except OperationalError as error:
        if not isinstance(error.orig, QueryCanceled):
            raise
        return Seen(workers, None, busy)


def _note_error(look: asyncio.Task[Seen]) -> None:
    if not look.cancelled():
        look.exception()  # seen, so that asyncio does not complain when everybody has left


def _away() -> NotReady:
    return NotReady(
        "The database does not answer.",
        fix="Start Postgres (the embedded one: socialsync db start), or check DATABASE_URL.",
        retry_after=timedelta(seconds=5),
    )
