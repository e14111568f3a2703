"""What keeps the queue alive: ticks of the schedules and sweeps of waiting rows.

Upkeep is not a job, because a job would depend on which queues somebody serves. It runs in every worker;
row locks make two ticks at once harmless, and of the sweeps one at a time runs in all the installation.
"""

import asyncio
import functools
import zlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import telemetry
from socialsync.db.away import is_away
from socialsync.db.transaction import Database
from socialsync.queue import library, registration, schedules
from socialsync.queue.tasks import Declarations

log = telemetry.get_logger(__name__)
T = TypeVar("T")

LOOK_EVERY = 1.0
"""Seconds between two looks at the schedules, at most: operators change them at any time."""
SHORTEST = 0.02


@dataclass(frozen=True)
class Sweep:
    """Looks after rows that no job looks after (any more); ``run`` gives how many it found. Where that is
    ``routine``, nobody needs to know.
    """

    name: str
    every: timedelta
    run: Callable[[AsyncSession], Awaitable[int]]
    routine: bool = False


_ALONE = text("select pg_try_advisory_xact_lock(:key)")


class Upkeep:
    """The duties of one worker.

    Args:
        tasks: to announce to whoever asks what is known.
        timetable: the schedules to seed.
        sweeps: the rooms' own.
    """

    def __init__(
        self,
        database: Database,
        *,
        tasks: Declarations,
        timetable: Sequence[schedules.New],
        sweeps: Sequence[Sweep],
    ) -> None:
        self._database = database
        self._tasks = tasks
        self._timetable = timetable
        self._seeded = False
        self._sweeps = tuple(sweeps)

    async def run(self) -> None:
        """Until cancelled. Whatever goes wrong ends one look of one duty, never the loop."""
        loop = asyncio.get_running_loop()
        due = dict.fromkeys((sweep.name for sweep in self._sweeps), loop.time())
        while True:
            wait = await self._look("schedules", self._tick) or LOOK_EVERY
            for sweep in self._sweeps:
                if due[sweep.name] <= loop.time():
                    due[sweep.name] = loop.time() + sweep.every.total_seconds()
                    await self._look(sweep.name, functools.partial(self._sweep, sweep))
            await asyncio.sleep(wait)

    async def _look(self, duty: str, look: Callable[[], Awaitable[T]]) -> T | None:
        try:
            return await look()
        except Exception as error:
            if is_away(error) or isinstance(error, OSError):
                log.warning("[UPKEEP] Postgres is away", duty=duty, error=type(error).__name__)
            else:
                log.exception("[UPKEEP] A duty failed", duty=duty)
            return None

    async def _tick(self) -> float:
        async with self._database.system_transaction("schedules tick for every workspace") as session:
            if not self._seeded:
                await schedules.seed(session, self._timetable)
                await registration.announce(session, self._tasks)
                await library.check(session)
            upcoming = await schedules.tick(session)
        self._seeded = True
        return LOOK_EVERY if upcoming is None else min(LOOK_EVERY, max(SHORTEST, upcoming))

    async def _sweep(self, sweep: Sweep) -> None:
        async with self._database.system_transaction("sweeps look at every workspace's rows") as session:
            if await session.scalar(_ALONE, {"key": zlib.crc32(sweep.name.encode())}):
                found = await sweep.run(session)
                if found:
                    say = log.info if sweep.routine else log.warning
                    say("[UPKEEP] Sweep found rows", sweep=sweep.name, count=found)
