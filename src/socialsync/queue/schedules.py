"""Schedules: rows that defer a job again and again. Any number of workers may tick: one tick defers one job.

The row is locked while its tick is taken and moved to its next instant in the same transaction, so a tick
cannot be taken twice, and after a pause the next instant is the next one from now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from procrastinate.blueprints import Blueprint
from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import clock, telemetry
from socialsync.db.transaction import savepoint
from socialsync.errors import Conflict, Invalid, NotFound
from socialsync.queue import cadence, locks, tasks
from socialsync.queue.deferring import Options, check_queue, defer
from socialsync.queue.models import Schedule

log = telemetry.get_logger(__name__)

_TIMESTAMP = "timestamp"
LONGEST_EXPIRY = timedelta(days=366)
_CANCEL_PREDECESSOR = text(
    "update procrastinate_jobs set status = 'cancelled', x_finished_at = clock_timestamp()"
    " where queueing_lock = :lock and status = 'todo'"
)
_OURS = text("""
(schedules.task = any (:known) or not exists (
    select from worker_info info join procrastinate_workers worker on worker.id = info.worker_id
    where schedules.task = any (info.tasks) and info.state = 'running'
        and worker.last_heartbeat > clock_timestamp() - interval '30 seconds'))
""")


@dataclass(frozen=True)
class New:
    """A schedule to be: ``cron`` or ``every_s``; a job waiting ``expires_s`` after its tick is dropped."""

    name: str
    task: str
    cron: str | None = None
    every_s: float | None = None
    timezone: str = "UTC"
    args: dict[str, Any] = field(default_factory=dict)
    queue: str | None = None
    expires_s: float | None = None
    enabled: bool = True


async def seed(session: AsyncSession, timetable: Sequence[New]) -> None:
    """Add the schedules that never were; those that operators changed or removed stay as they are."""
    now = await _now(session)
    for entry in timetable:
        values = {**asdict(entry), "next_at": _following(entry, now)}
        await session.execute(insert(Schedule).values(values).on_conflict_do_nothing())


def of_periodic(blueprint: Blueprint) -> list[New]:
    """What procrastinate's ``@app.periodic`` declared. Such a task takes a ``timestamp``, the tick's."""
    return [
        New(
            name=f"{task}:{given_id}" if given_id else task,
            task=task,
            cron=periodic.cron,
            args=dict(periodic.configure_kwargs.get("task_kwargs") or {}),
            queue=periodic.configure_kwargs.get("queue"),
        )
        for (task, given_id), periodic in blueprint.periodic_registry.periodic_tasks.items()
    ]


async def tick(session: AsyncSession) -> float | None:
    """Defer a job for every schedule that is due; give the seconds until the next one, if there is any. Ticks
    of a task that only other workers know are left to them.
    """
    now = await _now(session)
    ours = (Schedule.enabled, Schedule.removed_at.is_(None), _OURS)
    known = {"known": sorted(tasks.names())}
    due = (
        select(Schedule)
        .where(*ours, Schedule.next_at <= now)
        .order_by(Schedule.next_at)
        .with_for_update(skip_locked=True)
    )
    for schedule in (await session.scalars(due, known)).all():
        await _tick_one(session, schedule, now)
    await session.flush()
    upcoming = await session.scalar(select(func.min(Schedule.next_at)).where(*ours), known)
    return None if upcoming is None else (upcoming - now).total_seconds()


async def _tick_one(session: AsyncSession, schedule: Schedule, now: datetime) -> None:
    """One schedule's tick; what is wrong with it is said and stops none of the others."""
    try:
        schedule.next_at = _following(schedule, now)
    except Exception as error:  # operators write this table in psql too
        schedule.enabled = False
        log.exception(
            "[SCHEDULE] Disabled: its rule cannot be followed", schedule=schedule.name, rule=str(error)
        )
        return
    try:
        async with savepoint(session):
            job_id = await _defer(session, schedule, now)
        schedule.last_job_id, schedule.last_at = job_id, now
    except Exception as error:  # noqa: BLE001 # whatever it is, it must stop none of the others
        log.warning("[SCHEDULE] Cannot run", schedule=schedule.name, task=schedule.task, reason=str(error))


async def run_now(session: AsyncSession, name: str) -> int:
    """Defer a schedule's job at once, besides its ticks; returns the job's id.

    Raises:
        NotFound: no such schedule.
    """
    schedule = await get_schedule(session, name)
    return await _defer(session, schedule, await _now(session))


async def add(session: AsyncSession, new: New) -> None:
    """Add a schedule, counted from now.

    Raises:
        Invalid: the rule cannot be followed, there is no such task, or the arguments don't fit it.
        Conflict: the name is taken.
    """
    _check(new)
    now = await _now(session)
    values = {**asdict(new), "next_at": _following(new, now), "removed_at": None}
    stored = await session.scalars(
        insert(Schedule)
        .values(values)
        .on_conflict_do_update(
            index_elements=[Schedule.name], set_=values, where=Schedule.removed_at.is_not(None)
        )
        .returning(Schedule.name)
    )
    if stored.first() is None:
        raise Conflict(f"There is a schedule named {new.name!r} already.", field="name", fix="Edit it.")


async def edit(session: AsyncSession, name: str, changes: Mapping[str, Any]) -> Schedule:
    """Change what is named; a new rule counts from now, and ``cron`` takes the place of ``every_s`` and the
    other way round.

    Args:
        changes: any of ``task, cron, every_s, timezone, args, queue, expires_s, enabled``.

    Raises:
        NotFound: no such schedule.
        Invalid: as ``add``.
    """
    schedule = await get_schedule(session, name)
    other = {"cron": "every_s", "every_s": "cron"}
    replaced = {other[rule] for rule in other if changes.get(rule) is not None} - changes.keys()
    values = {**dict.fromkeys(replaced), **changes}
    before = {entry.name: getattr(schedule, entry.name) for entry in fields(New)}
    _check(New(**{**before, **values}))
    for column, value in values.items():
        setattr(schedule, column, value)
    if changes.keys() & {"cron", "every_s", "timezone", "enabled"}:
        await _restart(session, schedule)
    else:
        schedule.updated_at = await _now(session)
        await session.flush()
    return schedule


async def change_rule(session: AsyncSession, name: str, *, cron: str | None, every_s: float | None) -> None:
    """Give a schedule another rule, counted from now. Raises as ``edit``."""
    await edit(session, name, {"cron": cron, "every_s": every_s})


async def set_enabled(session: AsyncSession, name: str, *, enabled: bool) -> None:
    """Switch a schedule on, from now, or off. Raises NotFound."""
    schedule = await get_schedule(session, name)
    schedule.enabled = enabled
    await _restart(session, schedule)


async def remove(session: AsyncSession, name: str) -> None:
    """Remove a schedule; the timetable does not bring it back. Raises NotFound."""
    schedule = await get_schedule(session, name)
    schedule.removed_at = schedule.updated_at = await _now(session)
    await session.flush()


async def get_schedule(session: AsyncSession, name: str) -> Schedule:
    """A schedule by its name.

    Raises:
        NotFound: no such schedule.
    """
    query = select(Schedule).where(Schedule.name == name, Schedule.removed_at.is_(None))
    found = await session.scalar(query.with_for_update())
    if found is None:
        raise NotFound(f"There is no schedule named {name!r}.", field="name")
    return found


async def list_schedules(session: AsyncSession) -> list[Schedule]:
    """All schedules, by name."""
    query = select(Schedule).where(Schedule.removed_at.is_(None)).order_by(Schedule.name)
    return list(await session.scalars(query))


async def _restart(session: AsyncSession, schedule: Schedule) -> None:
    schedule.updated_at = await _now(session)
    schedule.next_at = _following(schedule, schedule.updated_at)
    await session.flush()


def _check(rule: New) -> None:
    cadence.check(cron=rule.cron, every_s=rule.every_s, timezone=rule.timezone)
    check_queue(rule.queue)
    if rule.expires_s is not None and not 0 < rule.expires_s <= LONGEST_EXPIRY.total_seconds():
        raise Invalid("expires_s must be more than 0 and at most a year.", field="expires_s", fix="E.g. 55.")
    try:
        _, details = tasks.find(rule.task)
        args = _arguments(rule.task, rule.args, clock.now())
    except NotFound as error:
        raise Invalid(error.message, field="task", fix=error.fix) from None
    try:
        details.arguments.check(args)
    except Invalid as error:
        raise Invalid(error.message, field=f"args.{error.field}", fix=error.fix) from None


def _following(rule: "Schedule | New", after: datetime) -> datetime:
    return cadence.next_at(cron=rule.cron, every_s=rule.every_s, timezone=rule.timezone, after=after)


async def _defer(session: AsyncSession, schedule: Schedule, now: datetime) -> int:
    """One waiting job a schedule: an unrun predecessor is cancelled, a tick is only worth the latest one."""
    lock = locks.of_schedule(schedule.name)
    await session.execute(_CANCEL_PREDECESSOR, {"lock": lock})
    expires_at = now + timedelta(seconds=schedule.expires_s) if schedule.expires_s else None
    options = Options(queue=schedule.queue, queueing_lock=lock, expires_at=expires_at)
    return await defer(session, schedule.task, _arguments(schedule.task, schedule.args, now), options)


def _arguments(task: str, args: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """With the ``timestamp`` in seconds that procrastinate gives to periodic tasks, if the task takes one."""
    _, details = tasks.find(task)
    stamp = {_TIMESTAMP: int(now.timestamp())} if _TIMESTAMP in details.arguments.names else {}
    return {**stamp, **args}


async def _now(session: AsyncSession) -> datetime:
    """The database's clock: the one that all workers share."""
    now: datetime = (await session.execute(text("select clock_timestamp()"))).scalar_one()
    return now
