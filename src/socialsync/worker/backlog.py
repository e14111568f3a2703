"""How long jobs wait: one cheap question to Postgres, whose cost does not grow with the backlog."""

from socialsync.db.direct import Line

# Written as the indexes of alembic/sql/queue_engine/01_tables.sql are, so that they are used.
_OLDEST = """
select extract(epoch from clock_timestamp() - min(waiting.since))::float8 from (
    select queue_name from queue_settings
    where paused_at is null and (%(queues)s::text[] is null or queue_name = any (%(queues)s::text[]))
) served cross join lateral (
    (select coalesce(scheduled_at, x_created_at) as since from procrastinate_jobs job
     where job.queue_name || '' = served.queue_name and status < 'doing'
        and lock is null and x_kills is null and (scheduled_at is null or x_due_at = scheduled_at)
     order by coalesce(x_limit_key, ''), priority desc, id + 0 limit 100)
    union all
    (select coalesce(scheduled_at, x_created_at) from procrastinate_jobs job
     where job.queue_name || '' = served.queue_name and status < 'doing'
        and lock is not null and x_kills is null and (scheduled_at is null or x_due_at = scheduled_at)
     order by coalesce(x_limit_key, ''), priority desc, id + 0 limit 100)
    union all
    (select scheduled_at from procrastinate_jobs job
     where job.queue_name || '' = served.queue_name and status < 'doing' and scheduled_at <= clock_timestamp()
        and x_due_at is distinct from scheduled_at
     order by scheduled_at limit 1)
) waiting
"""


async def oldest(line: Line, queues: list[str] | None) -> float | None:
    """Seconds for which the oldest of the next jobs in these queues (None: in all) could have run; None when
    none waits. Looks at the first hundred in claim order of each queue that is not paused.

    Raises:
        psycopg.Error, OSError: Postgres is away.
    """
    ((seconds,),) = await line.run(_OLDEST, {"queues": queues})
    return None if seconds is None else max(0.0, float(seconds))
