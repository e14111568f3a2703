"""What is to be stored around an effect on the world, while Postgres may be away.

It is stored by tasks of their own, which go on when the job is cancelled meanwhile: all jobs are of a process
that is cut off for long.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import telemetry
from socialsync.db.away import is_away
from socialsync.db.transaction import Database

log = telemetry.get_logger(__name__)

OUTCOME_TRIES = (0.1, 0.5, 2.0, 5.0, 10.0)
"""Seconds between tries to store what the world has seen already."""
WITHDRAWAL_TRIES = (*OUTCOME_TRIES, 10.0, 10.0, 10.0)
"""Seconds between tries to withdraw an intent: together less than anybody waits who settles one (90 s)."""

Record = Callable[[AsyncSession], Awaitable[None]]
_tasks: set[asyncio.Task[None]] = set()


async def store(database: Database, workspace_id: UUID, record: Record) -> None:
    """Run ``record`` in a transaction, again while Postgres is away. It is given up after the last try: what
    happened is settled later.
    """
    await asyncio.shield(_begun(_stored(database, workspace_id, record, OUTCOME_TRIES)))


@asynccontextmanager
async def intention(database: Database, workspace_id: UUID, withdraw: Record) -> AsyncIterator[AsyncSession]:
    """A transaction that commits an intent to act. Should Postgres vanish in it, or the job be cancelled, the
    commit may have happened; but nobody has acted yet. So the intent, if it stands, is withdrawn: it would be
    taken for an effect whose answer was lost, and never be tried again.
    """
    try:
        async with database.transaction(workspace_id) as session:
            yield session
    except BaseException as error:
        if isinstance(error, asyncio.CancelledError):
            _begun(_withdrawn(database, workspace_id, withdraw))
        elif is_away(error):
            await asyncio.shield(_begun(_withdrawn(database, workspace_id, withdraw)))
        raise


def _begun(what: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    task = asyncio.create_task(what)
    _tasks.add(task)
    task.add_done_callback(_ended)
    return task


def _ended(task: asyncio.Task[None]) -> None:
    _tasks.discard(task)
    if not task.cancelled() and (error := task.exception()):
        log.warning("What became of an effect could not be stored; it is settled later", why=str(error))


async def _withdrawn(database: Database, workspace_id: UUID, withdraw: Record) -> None:
    try:
        await _stored(database, workspace_id, withdraw, WITHDRAWAL_TRIES)
    except Exception as error:  # noqa: BLE001 - the error that led here is the one that is raised
        log.warning("An intent may stand on which nobody acted: it is settled as a doubt", why=str(error))


async def _stored(database: Database, workspace_id: UUID, record: Record, tries: tuple[float, ...]) -> None:
    for pause in (*tries, None):
        try:
            async with database.transaction(workspace_id) as session:
                await record(session)
        except Exception as error:
            if pause is None or not is_away(error):
                raise
            await asyncio.sleep(pause)
        else:
            return
