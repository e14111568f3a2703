"""Short looks at the queue's tables. Bound them first: a long look holds a snapshot, which stops vacuum."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

ACTIVE_WITHIN = timedelta(seconds=30)
"""A worker whose last heartbeat is older does not count."""


@dataclass(frozen=True)
class QueueState:
    """A queue at this moment.

    Args:
        waiting: jobs that could run now; those scheduled for later don't count.
        oldest_waiting_s: seconds since the longest waiting one could have run; None when none waits.
    """

    waiting: int
    running: int
    oldest_waiting_s: float | None


_BOUND = text("set local statement_timeout = '2s'")

_QUEUES = text("""
with live as (
    select queue_name, count(*) filter (where status = 'doing') as running,
        count(*) filter (where status = 'todo' and coalesce(scheduled_at <= now(), true)) as waiting,
        min(scheduled_at) filter (where status = 'todo' and scheduled_at <= now()) as due_at,
        min(id) filter (where status = 'todo' and scheduled_at is null) as immediate
    from procrastinate_jobs where status in ('todo', 'doing') group by queue_name
)
select queue_name, running, waiting,
    extract(epoch from now() - least(due_at, deferred.at)) as oldest_waiting_s
from live left join lateral (
    select min(at) as at from procrastinate_events where job_id = live.immediate and type = 'deferred'
) deferred on true
order by queue_name
""")

_ACTIVE_WORKERS = text("select count(*) from procrastinate_workers where last_heartbeat > now() - :within")


async def bound(session: AsyncSession) -> None:
    """End every further statement of this transaction after two seconds: OperationalError, QueryCanceled."""
    await session.execute(_BOUND)


async def queue_states(session: AsyncSession) -> dict[str, QueueState]:
    """Every queue in which a job waits, runs or is scheduled, by name."""
    rows = await session.execute(_QUEUES)
    return {
        row.queue_name: QueueState(
            row.waiting,
            row.running,
            None if row.oldest_waiting_s is None else max(0.0, round(float(row.oldest_waiting_s), 3)),
        )
        for row in rows
    }


async def count_active_workers(session: AsyncSession) -> int:
    """Workers that gave a sign of life lately."""
    counted = await session.execute(_ACTIVE_WORKERS, {"within": ACTIVE_WITHIN})
    return int(counted.scalar_one())
