"""Connections outside the pool, on which every statement is a transaction of its own: the queue engine's.

They are for single statements that claim, finish and keep a lease, thousands a second; what consists of
several statements goes through ``transaction.py``.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg import sql

from socialsync.db.sqlstates import READ_ONLY, sqlstate

_CONNECT_WITHIN = 5
"""Seconds; libpq waits as long for each host of the URL."""
Parameters = Sequence[Any] | Mapping[str, Any]


class Line:
    """One connection that is made when it is needed, and made anew after it broke.

    Args:
        url: libpq's; it should take the application's role.
        name: shown in ``pg_stat_activity``.
        answer_within: seconds until an answer that does not come counts as a broken connection.
        prepared: whether statements may be prepared; not behind a transaction-mode pooler.
    """

    def __init__(self, url: str, *, name: str, answer_within: float = 15.0, prepared: bool = True) -> None:
        self._url = url
        self._name = name
        self._answer_within = answer_within
        self._prepared = prepared
        self._connection: psycopg.AsyncConnection[tuple[Any, ...]] | None = None

    async def connect(self) -> psycopg.AsyncConnection[tuple[Any, ...]]:
        """The connection, made now if there is none.

        Raises:
            psycopg.OperationalError: Postgres is away.
        """
        if self._connection is None or self._connection.closed:
            try:
                async with asyncio.timeout(self._answer_within):
                    self._connection = await psycopg.AsyncConnection.connect(
                        self._url,
                        autocommit=True,
                        connect_timeout=_CONNECT_WITHIN,
                        application_name=self._name,
                        prepare_threshold=0 if self._prepared else None,
                        keepalives_idle=5,
                        keepalives_interval=2,
                        keepalives_count=3,
                        tcp_user_timeout=10_000,
                    )
            except TimeoutError:
                raise psycopg.OperationalError("Postgres did not answer in time") from None
        return self._connection

    async def run(self, statement: str | sql.Composed, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
        """Run a statement and give its rows.

        Raises:
            psycopg.OperationalError: the connection broke or Postgres did not answer; whether the statement
                took effect is not known.
            psycopg.Error: Postgres refused the statement.
        """
        connection = await self.connect()
        try:
            async with asyncio.timeout(self._answer_within):
                cursor = await connection.execute(statement, parameters, binary=True)
                return await cursor.fetchall() if cursor.description else []
        except TimeoutError:
            await self.close()
            raise psycopg.OperationalError("Postgres did not answer in time") from None
        except asyncio.CancelledError:
            await self.close()  # an answer may still be under way on it
            raise
        except psycopg.Error as error:
            if connection.broken or sqlstate(error) == READ_ONLY:
                await self.close()  # what only reads is not the server that we want, or not any more
            raise

    async def listen(self, channels: Sequence[str]) -> None:
        """LISTEN on these channels, on this connection. Raises as ``run``."""
        for channel in channels:
            await self.run(sql.SQL("listen {}").format(sql.Identifier(channel)))

    async def close(self) -> None:
        """Close the connection; the next statement makes another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error, OSError):
                await connection.close()


async def is_pooled(line: Line) -> bool:
    """Whether something stands between us and the server: then the process that a cancel request would reach,
    as announced at sign-in, is not the one that answers.
    """
    connection = await line.connect()
    rows = await line.run("select pg_backend_pid()")
    return rows != [(connection.info.backend_pid,)]
