"""What keeps the queue alive: ticks of the schedules, rescue of dead workers' jobs, sweeps of waiting rows.

Upkeep is not a job, because a job would depend on which queues somebody serves. It runs in every worker;
row locks make two ticks at once harmless, and of the sweeps one at a time runs in all the installation.
"""

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import telemetry
from socialsync.db.transaction import Database
from socialsync.queue import schedules
from socialsync.queue.policies import OnDeath
from socialsync.queue.tasks import Declarations

log = telemetry.get_logger(__name__)

DEAD_AFTER = timedelta(seconds=30)
"""Without a heartbeat for this long a worker is dead."""
LOOK_EVERY = 1.0
"""Seconds between two looks at the schedules, at most: operators change them at any time."""
SHORTEST = 0.02


@dataclass(frozen=True)
class Sweep:
    """Looks after rows that no job looks after (any more); ``run`` gives how many it found."""

    name: str
    every: timedelta
    run: Callable[[AsyncSession], Awaitable[int]]


_RESCUE = text(
    "select job_id, task, outcome"
    " from queue_rescue(:dead_after, cast(:fail as text[]), cast(:drop as text[]))"
)
_ALONE = text("select pg_try_advisory_xact_lock(:key)")


class Upkeep:
    """The duties of one worker.

    Args:
        timetable: the schedules to seed.
        sweeps: the rooms' own; rescue is added.
        tasks: for their policies.
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
        self._timetable = timetable
        rescuing = Sweep("queue.rescue", timedelta(seconds=5), lambda session: rescue(session, tasks))
        self._sweeps = (rescuing, *sweeps)

    async def run(self) -> None:
        """Until cancelled. An error (Postgres is away) ends one look, not the loop."""
        loop = asyncio.get_running_loop()
        due = dict.fromkeys((sweep.name for sweep in self._sweeps), loop.time())
        seeded = False
        while True:
            wait = LOOK_EVERY
            try:
                wait = await self._tick(seed=not seeded)
                seeded = True
                for sweep in self._sweeps:
                    if due[sweep.name] <= loop.time():
                        due[sweep.name] = loop.time() + sweep.every.total_seconds()
                        await self._sweep(sweep)
            except (SQLAlchemyError, OSError) as error:
                log.warning("upkeep_look_failed", error=type(error).__name__)
            await asyncio.sleep(wait)

    async def _tick(self, *, seed: bool) -> float:
        async with self._database.system_transaction("schedules tick for every workspace") as session:
            if seed:
                await schedules.seed(session, self._timetable)
            upcoming = await schedules.tick(session)
        return LOOK_EVERY if upcoming is None else min(LOOK_EVERY, max(SHORTEST, upcoming))

    async def _sweep(self, sweep: Sweep) -> None:
        async with self._database.system_transaction("sweeps look at every workspace's rows") as session:
            if await session.scalar(_ALONE, {"key": zlib.crc32(sweep.name.encode())}):
                found = await sweep.run(session)
                if found:
                    log.info("sweep_found", sweep=sweep.name, count=found)


async def rescue(session: AsyncSession, tasks: Declarations) -> int:
    """Give back, fail or drop the jobs of workers without a heartbeat, as their policies say; how many."""
    names: dict[OnDeath, list[str]] = {"requeue": [], "fail": [], "drop": []}
    for name, details in tasks.details.items():
        names[details.policy.on_death].append(name)
    rows = await session.execute(
        _RESCUE, {"dead_after": DEAD_AFTER, "fail": names["fail"], "drop": names["drop"]}
    )
    rescued = rows.all()
    for row in rescued:
        log.warning("job_rescued", job_id=row.job_id, task=row.task, outcome=row.outcome)
    return len(rescued)
