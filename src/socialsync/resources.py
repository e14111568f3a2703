"""What a process opens once and closes at its end. Every door opens one of these and hands it down."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from socialsync import clock, telemetry
from socialsync.ai import Ai, Models, listed, open_ai
from socialsync.db import patience, urls
from socialsync.db.encryption import Cipher
from socialsync.db.engine import create_engine
from socialsync.db.transaction import Database
from socialsync.db.urls import Urls
from socialsync.platforms import Heed, Platforms, open_platforms
from socialsync.queue import limits
from socialsync.queue.jobs import Job
from socialsync.queue.pool import Pool
from socialsync.queue.worker import RESOURCES
from socialsync.settings import NO_KEY, Settings

REST_S = 2.0
"""Seconds for intents that are still being withdrawn when the process ends."""
HEED_WITHIN = 2.0
"""Seconds that an answer may wait until its usage is stored; the next one tells the same anyway."""
WORTH = 0.25
"""Share of a wait by which it must prolong the block that stands, to be worth another write."""

_log = telemetry.get_logger(__name__)


@dataclass(frozen=True)
class Resources:
    settings: Settings
    urls: Urls
    database: Database
    cipher: Cipher
    platforms: Platforms
    ai: Ai
    pool: Pool


def of(job: Job) -> Resources:
    """What the process that runs this job has opened."""
    resources: Resources = job.additional_context[RESOURCES]
    return resources


@asynccontextmanager
async def open_resources(
    settings: Settings, *, found: Urls | None = None, pool_timeout: float = 10
) -> AsyncIterator[Resources]:
    """Find the database (unless it is ``found`` already), and open the pool and the HTTP client.

    Args:
        pool_timeout: seconds for which a transaction waits for a connection. People at the web door should
            soon hear that it is busy; a hundred jobs at once may well wait for one another.
    """
    where = found or urls.resolve(settings)
    engine = create_engine(where, pool_timeout=pool_timeout)
    database = Database(engine)
    pool = Pool()
    try:
        async with (
            open_platforms(
                meta_graph_url=settings.whatsapp_graph,
                instagram_graph_url=settings.instagram_graph,
                version=settings.meta_graph_version,
                heed=heeding(database),
            ) as platforms,
            open_ai(database, _models(settings)) as ai,
        ):
            yield Resources(
                settings=settings,
                urls=where,
                database=database,
                cipher=Cipher(settings.secret_keys),
                platforms=platforms,
                ai=ai,
                pool=pool,
            )
    finally:
        await patience.rest(REST_S)
        await pool.close()
        await engine.dispose()


def _models(settings: Settings) -> Models:
    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else NO_KEY
    embedding_key = settings.embedding_api_key
    return Models(
        base_url=settings.openai_base,
        api_key=key,
        chat=settings.chat_model,
        embedding=settings.embedding_model,
        embedding_base_url=settings.embedding_base_url,
        embedding_api_key=embedding_key.get_secret_value() if embedding_key else None,
        prices=listed(settings.ai_prices),
    )


def heeding(database: Database) -> Heed:
    """What keeps the jobs of an account waiting while its platform wants to be left alone.

    It comes with every answer of a busy account, and while its caller holds an outcome: so it writes only
    what prolongs the wait, and never raises.
    """
    blocked: dict[str, datetime] = {}

    async def heed(limit_key: str, wait: timedelta) -> None:
        until = clock.now() + wait
        if (standing := blocked.get(limit_key)) and standing > until - WORTH * wait:
            return
        try:
            async with (
                asyncio.timeout(HEED_WITHIN),
                database.system_transaction("an account's limit holds in every workspace") as session,
            ):
                await limits.block(session, limit_key, until=until)
        except (SQLAlchemyError, psycopg.Error, OSError) as error:
            _log.warning(
                "[LIMITS] Could not store a wait",
                limit_key=limit_key,
                until=until,
                problem=type(error).__name__,
            )
        else:
            blocked[limit_key] = until

    return heed
