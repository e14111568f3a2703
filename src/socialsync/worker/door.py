"""The App with all tasks of the house, as ``socialsync.worker.app``.

Importing it reads the environment; the database is found, and the embedded one started, when it is opened.
"""

import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from procrastinate import PsycopgConnector

from socialsync import registry, settings, telemetry
from socialsync.db import urls
from socialsync.db.pool import PatientPool
from socialsync.queue.app import App
from socialsync.queue.tasks import HOUSE
from socialsync.resources import Resources, open_resources
from socialsync.timetable import TIMETABLE, sweeps

_TURN_S = 120.0
"""Seconds for which a job waits for a connection: to wait for one's turn is not to fail."""
_settings = settings.load_or_exit()


@functools.cache
def _where() -> urls.Urls:
    return urls.resolve(_settings)


@asynccontextmanager
async def _lifespan() -> AsyncIterator[Resources]:
    telemetry.configure(level=_settings.log_level, form=_settings.log_format)
    async with open_resources(_settings, found=_where(), pool_timeout=_TURN_S) as resources:
        yield resources


registry.load()

app = App(
    connector=PsycopgConnector(
        conninfo=lambda: _where().direct, min_size=0, max_size=4, pool_factory=PatientPool
    ),
    lifespan=_lifespan,
    timetable=TIMETABLE,
    sweeps=sweeps(embedding_model=_settings.embedding_model),
    worker_defaults={"concurrency": 100},
)
app.include(HOUSE)
