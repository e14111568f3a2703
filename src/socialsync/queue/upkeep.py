"""What keeps the queue alive: ticks of the schedules and rescue of dead workers' jobs.

Upkeep is not a job, because a job would depend on which queues somebody serves. It runs in every worker;
row locks make two at once harmless.
"""

import asyncio
from collections.abc import Sequence
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
RESCUE_EVERY = 5.0
_SHORTEST = 0.02

_RESCUE = text(
    "select job_id, task, outcome"
    " from queue_rescue(:dead_after, cast(:fail as text[]), cast(:drop as text[]))"
)


async def run(database: Database, tasks: Declarations, timetable: Sequence[schedules.Entry]) -> None:
    """Tick and rescue until cancelled. An error (Postgres is away) ends one look, not the loop."""
    loop = asyncio.get_running_loop()
    seeded = False
    rescue_at = loop.time()
    while True:
        wait = LOOK_EVERY
        try:
            async with database.system_transaction("schedules tick for every tenant") as session:
                if not seeded:
                    await schedules.seed(session, timetable)
                upcoming = await schedules.tick(session)
            seeded = True
            wait = min(LOOK_EVERY, max(_SHORTEST, LOOK_EVERY if upcoming is None else upcoming))
            if loop.time() >= rescue_at:
                rescue_at = loop.time() + RESCUE_EVERY
                async with database.system_transaction("dead workers' jobs are rescued") as session:
                    await rescue(session, tasks)
        except (SQLAlchemyError, OSError) as error:
            log.warning("upkeep_look_failed", error=type(error).__name__)
        await asyncio.sleep(wait)


async def rescue(session: AsyncSession, tasks: Declarations) -> int:
    """Give back, fail or drop the jobs of workers without a heartbeat, as their policies say; how many."""
    rows = await session.execute(
        _RESCUE,
        {"dead_after": DEAD_AFTER, "fail": _names(tasks, "fail"), "drop": _names(tasks, "drop")},
    )
    rescued = rows.all()
    for row in rescued:
        log.warning("job_rescued", job_id=row.job_id, task=row.task, outcome=row.outcome)
    return len(rescued)


def _names(tasks: Declarations, on_death: OnDeath) -> list[str]:
    return [name for name, details in tasks.details.items() if details.policy.on_death == on_death]
