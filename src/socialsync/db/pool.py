"""A pool of connections outside the engine's, for what procrastinate itself asks."""

import select
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool
from typing_extensions import override


class PatientPool(AsyncConnectionPool[psycopg.AsyncConnection[Any]]):
    """A pool that opens while Postgres is away: whoever needs a connection waits for it.

    For single statements, each a transaction of its own and one journey to the server: a connection is asked
    whether it lives only when it has something to say, as one that the server has closed has.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        options["kwargs"] = {**(options.get("kwargs") or {}), "autocommit": True}
        super().__init__(*args, **{**options, "check": _check_if_it_speaks})

    @override
    async def open(self, wait: bool = False, timeout: float = 30.0) -> None:
        await super().open(wait=False, timeout=timeout)


async def _check_if_it_speaks(connection: psycopg.AsyncConnection[Any]) -> None:
    if select.select([connection], [], [], 0)[0]:
        await AsyncConnectionPool.check_connection(connection)
