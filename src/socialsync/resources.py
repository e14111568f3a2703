"""What a process opens once and closes at its end. Every door opens one of these and hands it down."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from socialsync.db import urls
from socialsync.db.encryption import Cipher
from socialsync.db.engine import create_engine
from socialsync.db.transaction import Database
from socialsync.db.urls import Urls
from socialsync.platforms import Platforms, open_platforms
from socialsync.queue.jobs import Job
from socialsync.queue.worker import RESOURCES
from socialsync.settings import Settings


@dataclass(frozen=True)
class Resources:
    settings: Settings
    urls: Urls
    database: Database
    cipher: Cipher
    platforms: Platforms


def of(job: Job) -> Resources:
    """What the process that runs this job has opened."""
    resources: Resources = job.additional_context[RESOURCES]
    return resources


@asynccontextmanager
async def open_resources(settings: Settings, *, found: Urls | None = None) -> AsyncIterator[Resources]:
    """Find the database (unless it is ``found`` already), and open the pool and the HTTP client."""
    where = found or urls.resolve(settings)
    engine = create_engine(where)
    try:
        async with open_platforms(
            meta_graph_url=settings.whatsapp_graph,
            instagram_graph_url=settings.instagram_graph,
            version=settings.meta_graph_version,
        ) as platforms:
            yield Resources(
                settings=settings,
                urls=where,
                database=Database(engine),
                cipher=Cipher(settings.secret_keys),
                platforms=platforms,
            )
    finally:
        await engine.dispose()
