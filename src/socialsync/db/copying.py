"""Many rows at once, by COPY.

Postgres copies into no table behind row-level security, so rows are brought into a temporary one, and an
ordinary INSERT, which the wall judges row by row, takes them over from there.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from psycopg import AsyncCursor, sql
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.db.transaction import psycopg_connection


@asynccontextmanager
async def copied(
    session: AsyncSession,
    columns: Mapping[str, str],
    rows: Iterable[Sequence[Any]],
    *,
    binary: bool = False,
) -> AsyncIterator[AsyncCursor[Any]]:
    """Rows as the temporary table ``given``, for the statements of the block; gone at its end.

    Args:
        columns: names and types of Postgres, in the order of each row's values.
        binary: the values are bytes, as Postgres sends and takes these types.
    """
    driver = await psycopg_connection(session)
    shape = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in columns.items()
    )
    async with driver.cursor() as cursor:
        await cursor.execute(sql.SQL("create temp table given ({}) on commit drop").format(shape))
        form = sql.SQL(" (format binary)" if binary else "")
        async with cursor.copy(sql.SQL("copy given from stdin") + form) as copy:
            for row in rows:
                await copy.write_row(row)
        yield cursor
        await cursor.execute("drop table given")
