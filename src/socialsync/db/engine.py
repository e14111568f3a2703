"""The SQLAlchemy engine on psycopg 3, connecting with libpq's own words (several hosts, sockets)."""

import select
from typing import Any

import psycopg
from sqlalchemy import event, exc
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from socialsync.db.binary import Binary, BinaryDumper
from socialsync.db.sqlstates import READ_ONLY, sqlstate
from socialsync.db.urls import Urls


def create_engine(
    urls: Urls, *, pool_size: int = 10, max_overflow: int = 10, pool_timeout: float = 10
) -> AsyncEngine:
    """An engine of the application's role; connects on first use.

    ``pool_timeout``: seconds for which a transaction waits for its turn while all connections are taken.

    A pooler in transaction mode cannot keep prepared statements of ours, so they are off behind one.
    """
    threshold = None if urls.pooled else 5

    async def connect() -> psycopg.AsyncConnection[Any]:
        connection = await psycopg.AsyncConnection.connect(
            urls.app,
            prepare_threshold=threshold,
            connect_timeout=10,
            application_name="socialsync",
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=3,
            tcp_user_timeout=20_000,
        )
        connection.adapters.register_dumper(Binary, BinaryDumper)
        return connection

    engine = create_async_engine(
        "postgresql+psycopg://",
        async_creator=connect,
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_timeout=pool_timeout,
        hide_parameters=True,
    )
    event.listen(engine.sync_engine, "checkout", _leave_who_is_gone)
    event.listen(engine.sync_engine, "handle_error", _leave_who_only_reads)
    return engine


def _leave_who_only_reads(context: ExceptionContext) -> None:
    """After a fail-over the pool may hold connections to what has become a standby."""
    if sqlstate(context.original_exception) == READ_ONLY:
        context.is_disconnect = True


def _leave_who_is_gone(connection: Any, _record: Any, _proxy: Any) -> None:
    """Before each use: a server that went away has closed its end, which costs no question to find out. One
    that says something unasked is about to.
    """
    driver: psycopg.AsyncConnection[Any] = connection.driver_connection
    if driver.closed:
        raise exc.DisconnectionError
    poll = select.poll()
    poll.register(driver.fileno(), select.POLLIN)
    if poll.poll(0):
        raise exc.DisconnectionError
