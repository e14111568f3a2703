"""What is to be stored around an effect on the world, while Postgres may be away."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import telemetry
from socialsync.db.away import is_away
from socialsync.db.transaction import Database

log = telemetry.get_logger(__name__)

OUTCOME_TRIES = (0.1, 0.5, 2.0, 5.0, 10.0)
"""Seconds between tries to store what the world has seen already."""
WITHDRAWAL_TRIES = (*OUTCOME_TRIES, 10.0, 10.0, 10.0)
"""Seconds between tries to withdraw an intent. Once somebody has settled it (after 90 s) nothing is."""

Record = Callable[[AsyncSession], Awaitable[object]]
_withdrawals: set[asyncio.Task[None]] = set()


async def store(database: Database, workspace_id: UUID, record: Record) -> None:
    """Run ``record`` in a transaction, again while Postgres is away. It is given up after the last try: what
    happened is settled later. It ends with the job: an outcome that came after another had taken the job over
    would be about what that one does.
    """
    await _stored(database, workspace_id, record, OUTCOME_TRIES)


@asynccontextmanager
async def intention(database: Database, workspace_id: UUID, withdraw: Record) -> AsyncIterator[AsyncSession]:
    """A transaction that commits an intent to act. Should Postgres vanish in it, or the job be cancelled, the
    commit may have happened; but nobody has acted yet. So the intent, if it stands, is withdrawn: it would be
    taken for an effect whose answer was lost, and never be tried again. This goes on when the job is
    cancelled, as all jobs are of a process that is cut off for long: ``withdraw`` must touch nothing but this
    very intent.
    """
    try:
        async with database.transaction(workspace_id) as session:
            yield session
    except BaseException as error:
        if isinstance(error, asyncio.CancelledError):
            _begin(database, workspace_id, withdraw)
        elif is_away(error):
            await asyncio.shield(_begin(database, workspace_id, withdraw))
        raise


async def rest(within: float) -> None:
    """Give what is still being withdrawn so many seconds, before the process ends."""
    if _withdrawals:
        await asyncio.wait(set(_withdrawals), timeout=within)


def _begin(database: Database, workspace_id: UUID, withdraw: Record) -> asyncio.Task[None]:
    task = asyncio.create_task(_withdrawn(database, workspace_id, withdraw))
    _withdrawals.add(task)
    task.add_done_callback(_withdrawals.discard)
    return task


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
