"""Statements that are told to Postgres together, and answered together: one way there and back for all.

Beneath SQLAlchemy, on the very connection of a session: for what runs hundreds of times a second.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row
from sqlalchemy import TextClause
from sqlalchemy.dialects.postgresql.psycopg import PGDialectAsync_psycopg
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from socialsync.db.sqlstates import READ_ONLY, sqlstate

Answer: TypeAlias = dict[str, Any]

_DRIVER = "driver"
_DIALECT = PGDialectAsync_psycopg()  # type: ignore[no-untyped-call]


@dataclass(eq=False)
class Question:
    """A statement, and once it was asked its ``rows``. Values are given as they are: no types of SQLAlchemy's
    convert them.
    """

    statement: TextClause
    values: Mapping[str, Any]
    rows: Sequence[Answer] = field(default=(), init=False)


async def ask(session: AsyncSession, *questions: Question) -> None:
    """In their order, each seeing what those before it did.

    Raises:
        psycopg.Error: of the first that failed.
    """
    if not questions:
        return
    driver = await psycopg_connection(session)
    try:
        await ask_driver(driver, *questions)
    except psycopg.Error as error:
        if is_lost(driver, error):
            await (await session.connection()).invalidate()
        raise


def is_lost(driver: psycopg.AsyncConnection[Any], error: psycopg.Error) -> bool:
    """Whether nobody shall have this connection again, which SQLAlchemy has not seen: it is gone, or leads to
    a server that only reads.
    """
    return driver.closed or sqlstate(error) == READ_ONLY


async def psycopg_connection(session: AsyncSession) -> psycopg.AsyncConnection[Any]:
    """The very connection of this session, in its transaction: for COPY, and for deferring jobs on it."""
    known = session.info.get(_DRIVER)
    if known is not None and not session.in_nested_transaction():
        return known  # type: ignore[no-any-return]
    # A savepoint begins with the first look for the connection
    driver = session.info[_DRIVER] = await driver_of(await session.connection())
    return driver


async def driver_of(connection: AsyncConnection) -> psycopg.AsyncConnection[Any]:
    """Psycopg's connection beneath SQLAlchemy's."""
    driver = (await connection.get_raw_connection()).driver_connection
    if not isinstance(driver, psycopg.AsyncConnection):
        raise TypeError("The session does not run on psycopg")
    return driver


async def ask_driver(driver: psycopg.AsyncConnection[Any], *questions: Question) -> None:
    """As ``ask``, without a session; an idle connection begins a transaction."""
    if len(questions) == 1 and driver.info.transaction_status != TransactionStatus.IDLE:
        cursors = [await _cursor(driver, questions[0])]
    else:  # with a BEGIN before it even one is two
        async with driver.pipeline():
            cursors = [await _cursor(driver, each) for each in questions]
    for each, cursor in zip(questions, cursors, strict=True):
        each.rows = await cursor.fetchall() if cursor.description else ()


async def _cursor(driver: psycopg.AsyncConnection[Any], question: Question) -> psycopg.AsyncCursor[Answer]:
    return await driver.cursor(row_factory=dict_row).execute(_spelled(question.statement), question.values)


@functools.lru_cache(maxsize=200)
def _spelled(statement: TextClause) -> bytes:
    return str(statement.compile(dialect=_DIALECT)).encode()
