"""The SQLAlchemy engine on psycopg 3, connecting with libpq's own words (several hosts, sockets)."""

from typing import Any

import psycopg
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from socialsync.db.urls import Urls


def create_engine(urls: Urls, *, pool_size: int = 10, max_overflow: int = 10) -> AsyncEngine:
    """An engine of the application's role; connects on first use.

    A pooler in transaction mode cannot keep prepared statements of ours, so they are off behind one.
    """
    threshold = None if urls.pooled else 5

    async def connect() -> psycopg.AsyncConnection[Any]:
        return await psycopg.AsyncConnection.connect(
            urls.app, prepare_threshold=threshold, connect_timeout=10, application_name="socialsync"
        )

    return create_async_engine(
        "postgresql+psycopg://",
        async_creator=connect,
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_timeout=10,
        pool_pre_ping=True,
        hide_parameters=True,
    )
