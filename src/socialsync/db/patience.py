"""What is to be stored around an effect on the world, while Postgres may be away."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import psycopg
from sqlalchemy.exc import SQLAlchemyError
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


async def store(
    database: Database, workspace_id: UUID, record: Record, tries: tuple[float, ...] = OUTCOME_TRIES
) -> None:
    """Run ``record`` in a transaction, again while Postgres is away. It is given up after the last try: what
    happened is settled later.
    """
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


@asynccontextmanager
async def intention(database: Database, workspace_id: UUID, withdraw: Record) -> AsyncIterator[AsyncSession]:
    """A transaction that commits an intent to act. Should Postgres vanish in it, the commit may have
    happened; but nobody has acted yet. So the intent, if it stands, is withdrawn before the error is raised:
    it would be taken for an effect whose answer was lost, and never be tried again.
    """
    try:
        async with database.transaction(workspace_id) as session:
            yield session
    except Exception as error:
        if is_away(error):
            await _withdraw(database, workspace_id, withdraw)
        raise


async def _withdraw(database: Database, workspace_id: UUID, withdraw: Record) -> None:
    try:
        await store(database, workspace_id, withdraw, WITHDRAWAL_TRIES)
    except (SQLAlchemyError, psycopg.Error) as error:
        log.warning("An intent may stand on which nobody acted: it is settled as a doubt", why=str(error))
