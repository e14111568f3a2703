"""Short looks at the queue, through the views of schema ``inspect``: behind CLI, API, dashboard and metrics.

Bound them first: a long look holds a snapshot, which stops vacuum. Jobs one by one are in ``history.py``.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.errors import NotFound
from socialsync.queue import obstacles
from socialsync.queue.shapes import (
    ActiveJob,
    Failure,
    QueueState,
    RegisteredTask,
    ScheduledJob,
    ScheduleState,
    TaskStats,
    Totals,
    WorkerState,
    shaped,
)
from socialsync.queue.stats import BUCKETS

ACTIVE_WITHIN = timedelta(seconds=30)
"""A worker whose last heartbeat is older does not count."""
Shape = TypeVar("Shape")

# A bitmap reads a whole index before the first row comes, however few rows a look wants; a generic plan does
# not know that a workspace has few jobs.
_BOUND = text(
    "select set_config('statement_timeout', '2s', true), set_config('enable_bitmapscan', 'off', true),"
    " set_config('plan_cache_mode', 'force_custom_plan', true), set_config('jit', 'off', true)"
)
_QUEUES = text("select * from inspect.queues order by name")
_QUEUE = text("select * from inspect.queues where name = :name")
_ACTIVE = text("""
select * from inspect.active
where (cast(:queue as text) is null or queue = :queue)
    and (cast(:workspace_id as text) is null or workspace_id = :workspace_id)
order by started_at, id limit :limit
""")
# Queue by queue, so that each is read from its index in order, however many wait.
_SCHEDULED = text("""
select later.* from queue_settings setting cross join lateral (
    select * from inspect.scheduled where queue = setting.queue_name order by due_at limit :limit
) later
where cast(:queue as text) is null or setting.queue_name = :queue
order by later.due_at, later.id limit :limit
""")
_REGISTERED = text("select * from inspect.registered order by name")
_WORKERS = text("select * from inspect.workers order by name, id")
_SCHEDULES = text("select * from inspect.schedules order by name")
_SCHEDULE = text("select * from inspect.schedules where name = :name")
_FAILURES = text("select * from inspect.failures order by failed_at desc limit :limit")
_TASK_STATS = text("select * from inspect.task_stats order by task")
_TOTALS = text(
    """
select task_name as task, queue_name as queue, sum(succeeded)::bigint as succeeded,
    sum(failed)::bigint as failed, sum(retried)::bigint as retried, sum(cancelled)::bigint as aborted,
    sum(running_s) as running_s, sum(waited_s) as waited_s, array[{buckets}] as buckets
from job_stats group by task_name, queue_name order by task_name, queue_name
""".format(buckets=", ".join(f"coalesce(sum(buckets[{n + 1}]), 0)::bigint" for n in range(len(BUCKETS) + 1)))
)
_ACTIVE_WORKERS = text("select count(*) from procrastinate_workers where last_heartbeat > now() - :within")


async def bound(session: AsyncSession) -> None:
    """End every further statement of this transaction after two seconds: OperationalError, QueryCanceled."""
    await session.execute(_BOUND)


async def queues(session: AsyncSession) -> list[QueueState]:
    """Every queue that ever had a job, by name."""
    return await obstacles.told(session, await _every(session, QueueState, _QUEUES))


async def get_queue(session: AsyncSession, name: str) -> QueueState:
    """A queue; an empty one where no job ever was."""
    found = await _every(session, QueueState, _QUEUE, {"name": name})
    return found[0] if found else QueueState(name)


async def queue_states(session: AsyncSession) -> dict[str, QueueState]:
    """The queues in which a job waits, runs or is scheduled, and those that are paused, by name."""
    return {
        queue.name: queue
        for queue in await queues(session)
        if queue.waiting or queue.running or queue.scheduled or queue.paused
    }


async def active(
    session: AsyncSession, *, queue: str | None = None, workspace_id: UUID | None = None, limit: int = 100
) -> list[ActiveJob]:
    """The jobs that run, the longest running first."""
    narrow = {"queue": queue, "workspace_id": workspace_id and str(workspace_id), "limit": limit}
    return await _every(session, ActiveJob, _ACTIVE, narrow)


async def scheduled(
    session: AsyncSession, *, queue: str | None = None, limit: int = 100
) -> list[ScheduledJob]:
    """The jobs that wait for a time, the soonest first."""
    return await _every(session, ScheduledJob, _SCHEDULED, {"queue": queue, "limit": limit})


async def registered(session: AsyncSession) -> list[RegisteredTask]:
    """The tasks that workers know, by name."""
    return await _every(session, RegisteredTask, _REGISTERED)


async def workers(session: AsyncSession) -> list[WorkerState]:
    """The workers, by name; the dead until others have given their jobs back."""
    return await _every(session, WorkerState, _WORKERS)


async def schedules(session: AsyncSession) -> list[ScheduleState]:
    """The schedules, by name."""
    return await _every(session, ScheduleState, _SCHEDULES)


async def get_schedule(session: AsyncSession, name: str) -> ScheduleState:
    """Raises NotFound."""
    found = await _every(session, ScheduleState, _SCHEDULE, {"name": name})
    if not found:
        raise NotFound(f"There is no schedule named {name!r}.", field="name")
    return found[0]


async def failures(session: AsyncSession, *, limit: int = 100) -> list[Failure]:
    """The jobs that failed last, the latest first."""
    return await _every(session, Failure, _FAILURES, {"limit": limit})


async def task_stats(session: AsyncSession) -> list[TaskStats]:
    """How each task's attempts of the last 24 hours went, by name."""
    return await _every(session, TaskStats, _TASK_STATS)


async def totals(session: AsyncSession) -> list[Totals]:
    """All attempts ever, by task and queue. None of these numbers ever falls."""
    return await _every(session, Totals, _TOTALS)


async def count_active_workers(session: AsyncSession) -> int:
    """Workers that gave a sign of life lately."""
    counted = await session.execute(_ACTIVE_WORKERS, {"within": ACTIVE_WITHIN})
    return int(counted.scalar_one())


def utilisation(found: Iterable[WorkerState]) -> float | None:
    """How busy the living workers are as a whole, from 0 to 1, each weighing as much as it has slots; None
    without any that tells.
    """
    telling = [worker for worker in found if worker.alive and worker.busy_share is not None]
    slots = sum(worker.concurrency or 0 for worker in telling)
    busy = sum((worker.busy_share or 0.0) * (worker.concurrency or 0) for worker in telling)
    return round(busy / slots, 3) if slots else None


async def _every(
    session: AsyncSession, shape: type[Shape], query: TextClause, values: Mapping[str, Any] | None = None
) -> list[Shape]:
    rows = await session.execute(query, values or {})
    return [shaped(shape, row) for row in rows.mappings()]
