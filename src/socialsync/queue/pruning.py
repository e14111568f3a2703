"""What becomes old goes, a little at a time: finished jobs, results, statistics.

Tables are walked in the order of their keys, a bounded stretch a pass, from where this process stopped last.
A walk that meets what is too young begins again at the start, so a look costs the same among millions. The
events of jobs go with them, by the library's cascade.
"""

import time
from datetime import timedelta

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.queue.upkeep import Sweep

KEEP_FINISHED = timedelta(days=7)
KEEP_FAILED = timedelta(days=30)
KEEP_MINUTES = timedelta(days=1)
"""After that the statistics of a minute are added to those of its hour."""
KEEP_STATS = timedelta(days=30)
"""After that they are added to one total, so that the counters of ``/metrics`` never fall."""
BATCH = 1_000
"""Rows that one statement looks at."""
PASS_S = 0.5
"""Seconds after which a pass begins no further statement: ticks and other sweeps wait for it."""

# A job that was put back into its queue meanwhile has another status by then, and stays.
_JOBS = text("""
with seen as materialized (
    select id, status, x_created_at, x_finished_at from procrastinate_jobs
    where id > :after order by id limit :batch
), old as materialized (
    select id, status from seen
    where status in ('succeeded', 'failed', 'cancelled', 'aborted') and now() - coalesce(
        x_finished_at, (select max(at) from procrastinate_events where job_id = seen.id), x_created_at
    ) > case when status = 'failed' then cast(:keep_failed as interval) else cast(:keep as interval) end
), gone as (
    delete from procrastinate_jobs job using old where job.id = old.id and job.status = old.status
    returning job.id
), told as (
    delete from job_results where job_id in (select id from gone)
)
select (select max(id) from seen) as last, (select count(*) from gone) as gone,
    (select count(*) < :batch or bool_or(x_created_at > now() - cast(:keep as interval)) from seen) as over
""")
_ORPHANS = text("""
with seen as materialized (
    select job_id from job_results where job_id > :after order by job_id limit :batch
), gone as (
    delete from job_results where job_id in (
        select job_id from seen
        where not exists (select from procrastinate_jobs job where job.id = seen.job_id)
    ) returning job_id
)
select (select max(job_id) from seen) as last, (select count(*) from gone) as gone,
    (select count(*) < :batch from seen) as over
""")
_EXPIRE = text("""
with gone as (
    update procrastinate_jobs set status = 'cancelled', x_finished_at = clock_timestamp()
    where id = any (array(
        select id from procrastinate_jobs
        where status < 'doing' and x_expires_at <= now() - interval '10 seconds'
        limit :batch for update skip locked
    )) returning id
)
select count(*) from gone
""")
_RESULTS = text("""
delete from job_results where (job_id, attempt) in (
    select job_id, attempt from job_results where expires_at <= now()
    order by expires_at limit :batch for update skip locked
)
""")
_FOLD = """
with old as (
    delete from job_stats where (task_name, queue_name, minute_at) in (
        select task_name, queue_name, minute_at from job_stats
        where minute_at < now() - cast(:keep as interval) and minute_at <> {into}
        order by minute_at desc limit :batch for update skip locked
    ) returning *, {into} as into_at
), counted as (
    select task_name, queue_name, into_at, n, sum(count)::bigint as count
    from old, unnest(buckets) with ordinality as bucket (count, n) group by 1, 2, 3, 4
)
insert into job_stats as known (task_name, queue_name, minute_at, succeeded, failed, retried, cancelled,
    running_s, longest_s, waited_s, buckets)
select task_name, queue_name, into_at, sum(succeeded), sum(failed), sum(retried), sum(cancelled),
    sum(running_s), max(longest_s), sum(waited_s), array(
        select count from counted
        where (counted.task_name, counted.queue_name, counted.into_at)
            = (old.task_name, old.queue_name, old.into_at)
        order by n)
from old group by task_name, queue_name, into_at
on conflict (task_name, queue_name, minute_at) do update set
    succeeded = known.succeeded + excluded.succeeded, failed = known.failed + excluded.failed,
    retried = known.retried + excluded.retried, cancelled = known.cancelled + excluded.cancelled,
    running_s = known.running_s + excluded.running_s,
    longest_s = greatest(known.longest_s, excluded.longest_s),
    waited_s = known.waited_s + excluded.waited_s,
    buckets = array(select coalesce(a, 0) + coalesce(b, 0)
        from unnest(known.buckets, excluded.buckets) with ordinality as both_of (a, b, n) order by n)
"""
_INTO_HOURS = text(_FOLD.format(into="date_bin('1 hour', minute_at, 'epoch')"))
_INTO_ONE = text(_FOLD.format(into="cast('epoch' as timestamptz)"))


class Walk:
    """Walks a table in the order of its key, deleting what is old.

    Args:
        statement: takes ``after`` and ``batch``; gives ``last`` (the greatest key it saw), how many are
            ``gone``, and whether the walk is ``over``.
        values: what else it takes.
    """

    def __init__(self, statement: TextClause, **values: timedelta) -> None:
        self._statement = statement
        self._values = values
        self._after = 0

    async def prune(self, session: AsyncSession) -> int:
        """Walk for a moment, and give the number of rows that went."""
        began, gone = time.monotonic(), 0
        while time.monotonic() - began < PASS_S:
            values = {**self._values, "after": self._after, "batch": BATCH}
            seen = (await session.execute(self._statement, values)).one()
            gone += seen.gone
            if seen.over or seen.last is None:
                self._after = 0
                break
            self._after = seen.last
        return gone


def jobs() -> Walk:
    """Of the jobs that ended, and of their events and results."""
    return Walk(_JOBS, keep=KEEP_FINISHED, keep_failed=KEEP_FAILED)


def orphans() -> Walk:
    """Of the results whose job somebody deleted."""
    return Walk(_ORPHANS)


async def expire_jobs(session: AsyncSession) -> int:
    """Cancel waiting jobs whose time is over in queues that nobody serves, some at once; gives how many. In
    the others whoever claims does that.
    """
    return await session.scalar(_EXPIRE, {"batch": BATCH}) or 0


async def expire_results(session: AsyncSession) -> int:
    """Delete results whose time has come, some at once; gives how many."""
    return await _count(session, _RESULTS)


async def fold_stats(session: AsyncSession) -> int:
    """Add old minutes to their hours, and old hours to the total; gives how many rows went."""
    hours = await _count(session, _INTO_ONE, keep=KEEP_STATS)
    return hours + await _count(session, _INTO_HOURS, keep=KEEP_MINUTES)


async def _count(session: AsyncSession, statement: TextClause, **values: timedelta) -> int:
    done = await session.execute(statement, {**values, "batch": BATCH})
    return int(done.rowcount)  # type: ignore[attr-defined] # of a statement that writes


SWEEPS = (
    Sweep("finished jobs that were kept long enough", timedelta(seconds=5), jobs().prune, routine=True),
    Sweep("waiting jobs that expired", timedelta(seconds=10), expire_jobs, routine=True),
    Sweep("results that expired", timedelta(seconds=10), expire_results, routine=True),
    Sweep("results whose job is gone", timedelta(minutes=1), orphans().prune, routine=True),
    Sweep("statistics of past minutes", timedelta(minutes=1), fold_stats, routine=True),
)
