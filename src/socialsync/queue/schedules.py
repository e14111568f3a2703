"""Schedules: rows that defer a job again and again. Any number of workers may tick: one tick defers one job.

The row is locked while its tick is taken and moved to its next instant in the same transaction, so a tick
cannot be taken twice, and after a pause the next instant is the next one from now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import telemetry
from socialsync.errors import NotFound, SocialSyncError
from socialsync.queue import cadence, locks
from socialsync.queue.deferring import Options, defer
from socialsync.queue.models import Schedule

log = telemetry.get_logger(__name__)

_CANCEL_PREDECESSOR = text(
    "update procrastinate_jobs set status = 'cancelled' where queueing_lock = :lock and status = 'todo'"
)


@dataclass(frozen=True)
class Entry:
    """A line of the timetable: what a schedule is born as."""

    name: str
    task: str
    cron: str | None = None
    every: timedelta | None = None
    timezone: str = "UTC"
    expires: timedelta | None = None
    args: Mapping[str, Any] = field(default_factory=dict)


async def seed(session: AsyncSession, timetable: Sequence[Entry]) -> None:
    """Add the schedules that never were; those that operators changed or removed stay as they are."""
    now = await _now(session)
    for entry in timetable:
        every_s = entry.every.total_seconds() if entry.every else None
        cadence.check(cron=entry.cron, every_s=every_s, timezone=entry.timezone)
        values = {
            "name": entry.name,
            "task": entry.task,
            "cron": entry.cron,
            "every_s": every_s,
            "timezone": entry.timezone,
            "args": dict(entry.args),
            "expires_s": entry.expires.total_seconds() if entry.expires else None,
            "next_at": cadence.next_at(cron=entry.cron, every_s=every_s, timezone=entry.timezone, after=now),
        }
        await session.execute(insert(Schedule).values(values).on_conflict_do_nothing())


async def tick(session: AsyncSession) -> float | None:
    """Defer a job for every schedule that is due; give the seconds until the next one, if there is any."""
    now = await _now(session)
    due = (
        select(Schedule)
        .where(Schedule.enabled, Schedule.removed_at.is_(None), Schedule.next_at <= now)
        .order_by(Schedule.next_at)
        .with_for_update(skip_locked=True)
    )
    for schedule in (await session.scalars(due)).all():
        schedule.next_at = cadence.next_at(
            cron=schedule.cron, every_s=schedule.every_s, timezone=schedule.timezone, after=now
        )
        try:
            schedule.last_job_id = await _defer(session, schedule, now)
            schedule.last_at = now
        except SocialSyncError as error:  # its task is gone or takes other arguments: say so, tick the rest
            log.warning("schedule_cannot_run", schedule=schedule.name, task=schedule.task, reason=str(error))
    await session.flush()
    soonest = select(func.min(Schedule.next_at)).where(Schedule.enabled, Schedule.removed_at.is_(None))
    upcoming = await session.scalar(soonest)
    return None if upcoming is None else (upcoming - now).total_seconds()


async def run_now(session: AsyncSession, name: str) -> int:
    """Defer a schedule's job at once, besides its ticks; returns the job's id.

    Raises:
        NotFound: no such schedule.
    """
    schedule = await get_schedule(session, name)
    return await _defer(session, schedule, await _now(session))


async def set_enabled(session: AsyncSession, name: str, *, enabled: bool) -> None:
    """Switch a schedule on, from now, or off.

    Raises:
        NotFound: no such schedule.
    """
    schedule = await get_schedule(session, name)
    await change(session, name, enabled=enabled, cron=schedule.cron, every_s=schedule.every_s)


async def change(
    session: AsyncSession, name: str, *, enabled: bool, cron: str | None, every_s: float | None
) -> None:
    """Give a schedule another rule, counted from now.

    Raises:
        NotFound: no such schedule.
        Invalid: the rule cannot be followed.
    """
    schedule = await get_schedule(session, name)
    cadence.check(cron=cron, every_s=every_s, timezone=schedule.timezone)
    now = await _now(session)
    following = cadence.next_at(cron=cron, every_s=every_s, timezone=schedule.timezone, after=now)
    await session.execute(
        update(Schedule)
        .where(Schedule.name == name)
        .values(cron=cron, every_s=every_s, enabled=enabled, next_at=following, updated_at=now)
    )


async def get_schedule(session: AsyncSession, name: str) -> Schedule:
    """A schedule by its name.

    Raises:
        NotFound: no such schedule.
    """
    found = await session.scalar(select(Schedule).where(Schedule.name == name, Schedule.removed_at.is_(None)))
    if found is None:
        raise NotFound(f"There is no schedule named {name!r}.", field="name")
    return found


async def list_schedules(session: AsyncSession) -> list[Schedule]:
    """All schedules, by name."""
    query = select(Schedule).where(Schedule.removed_at.is_(None)).order_by(Schedule.name)
    return list(await session.scalars(query))


async def _defer(session: AsyncSession, schedule: Schedule, now: datetime) -> int:
    """One waiting job a schedule: an unrun predecessor is cancelled, a tick is only worth the latest one."""
    lock = locks.of_schedule(schedule.name)
    await session.execute(_CANCEL_PREDECESSOR, {"lock": lock})
    expires_at = now + timedelta(seconds=schedule.expires_s) if schedule.expires_s else None
    options = Options(queue=schedule.queue, queueing_lock=lock, expires_at=expires_at)
    return await defer(session, schedule.task, schedule.args, options)


async def _now(session: AsyncSession) -> datetime:
    """The database's clock: the one that all workers share."""
    now: datetime = (await session.execute(text("select clock_timestamp()"))).scalar_one()
    return now
