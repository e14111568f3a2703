"""The one file that begins, commits and rolls back.

A transaction is of one workspace, or of the system with a reason. It says so to Postgres in its first
statement, and row-level security (the first migration) shows it the rows of that workspace and no others,
or all of them. Without a scope it sees nothing.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any, TypeAlias
from uuid import UUID

import psycopg
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.orm.interfaces import ORMOption

from socialsync.db.asking import Question, ask, ask_driver, driver_of, is_lost, psycopg_connection
from socialsync.db.base import TenantRow
from socialsync.db.embedded import APP_ROLE

__all__ = ["Cursor", "Database", "psycopg_connection", "savepoint"]

Cursor: TypeAlias = psycopg.AsyncCursor[Any]

_SCOPE = text(
    "select set_config('role', :role, true), set_config('app.workspace_id', :workspace_id, true),"
    " set_config('app.system_reason', :reason, true),"
    " set_config('idle_in_transaction_session_timeout', '60s', true)"
)
_NARROW = "narrow"


class Database:
    """Begins transactions.

    Args:
        bind: an engine; or, in tests, a connection whose outer transaction is rolled back afterwards, on
            which each transaction becomes a savepoint.
    """

    def __init__(self, bind: AsyncEngine | AsyncConnection) -> None:
        self._bind = bind

    @asynccontextmanager
    async def transaction(self, workspace_id: UUID) -> AsyncIterator[AsyncSession]:
        """A transaction that sees and writes the rows of one workspace; commits at the end of the block."""
        async with self._begin(workspace_id=str(workspace_id), reason="") as session:
            session.info[_NARROW] = _only_of(workspace_id)
            yield session

    @asynccontextmanager
    async def brief(self, workspace_id: UUID) -> AsyncIterator[Cursor]:
        """As ``transaction``, for one or two statements that run all the time: on psycopg's own cursor, which
        takes a third of what a session does.

        Raises:
            psycopg.Error: where a session raises SQLAlchemy's.
        """
        if isinstance(self._bind, AsyncConnection):
            async with (
                self.transaction(workspace_id) as session,
                (await psycopg_connection(session)).cursor(binary=True) as cursor,
            ):
                yield cursor
            return
        async with self._bind.connect() as connection:
            driver = await driver_of(connection)
            try:
                await ask_driver(driver, _scope(str(workspace_id), ""))
                async with driver.cursor(binary=True) as cursor:
                    yield cursor
                await driver.commit()
            except psycopg.Error as error:
                if is_lost(driver, error):
                    await connection.invalidate()
                raise

    @asynccontextmanager
    async def system_transaction(self, reason: str, *first: Question) -> AsyncIterator[AsyncSession]:
        """A transaction across workspaces. Each use is listed, with its reason, in tests/house.

        Args:
            first: asked on the way, in the same breath as the transaction begins.
        """
        if not reason:
            raise ValueError("A system transaction needs a reason")
        async with self._begin(workspace_id="", reason=reason, first=first) as session:
            yield session

    @asynccontextmanager
    async def _begin(
        self, *, workspace_id: str, reason: str, first: Sequence[Question] = ()
    ) -> AsyncIterator[AsyncSession]:
        session = AsyncSession(
            self._bind,
            sync_session_class=_Session,
            expire_on_commit=False,
            join_transaction_mode="create_savepoint",
            autoflush=False,
        )
        async with session, session.begin():
            await ask(session, _scope(workspace_id, reason), *first)
            yield session


@asynccontextmanager
async def savepoint(session: AsyncSession) -> AsyncIterator[None]:
    """A part of a transaction: if the block raises, only what was done in it is undone, and the transaction
    goes on, where the error is caught.
    """
    async with session.begin_nested():
        yield


class _Session(Session):
    """Narrowed to what its transaction is of."""


@event.listens_for(_Session, "do_orm_execute")
def _narrow(state: ORMExecuteState) -> None:
    narrow = state.session.info.get(_NARROW)
    if narrow is not None and (state.is_select or state.is_update or state.is_delete):
        state.statement = state.statement.options(narrow)


@lru_cache(1_000)
def _only_of(workspace_id: UUID) -> ORMOption:
    """Say the workspace in every query too. The wall alone would do, but it names two ways in, and Postgres
    searches no index for an OR: this is what lets it find a small tenant's rows among everybody's.
    """
    return with_loader_criteria(
        TenantRow, lambda table: table.workspace_id == workspace_id, include_aliases=True
    )


def _scope(workspace_id: str, reason: str) -> Question:
    return Question(_SCOPE, {"role": APP_ROLE, "workspace_id": workspace_id, "reason": reason})
