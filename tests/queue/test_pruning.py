"""What becomes old goes, and nothing else."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from socialsync.queue import pruning
from tests.queue.conftest import SYSTEM, jobs

JOB = text("""
insert into procrastinate_jobs (queue_name, task_name, status, x_created_at, x_finished_at)
values ('q', 'x', cast(:status as procrastinate_job_status), now() - cast(:born as interval),
    now() - cast(:ended as interval))
returning id
""")
STATS = text("""
insert into job_stats
    (task_name, queue_name, minute_at, succeeded, failed, running_s, longest_s, waited_s, buckets)
values ('t', 'q', date_bin('1 hour', now(), 'epoch') - cast(:ago as interval), :succeeded, 1, 2.5, :longest,
    0.5, array[1, 2]::bigint[])
""")


async def add_job(session, status, *, ended=None, born=timedelta(days=90)):
    return await session.scalar(JOB, {"status": status, "ended": ended, "born": born})


async def ids(session, table="procrastinate_jobs", column="id"):
    return set(await session.scalars(text(f"select {column} from {table}")))  # noqa: S608 - our own words


@pytest.mark.parametrize(
    ("status", "days", "kept"),
    [
        ("succeeded", 6, True), ("succeeded", 8, False), ("cancelled", 8, False), ("aborted", 8, False),
        ("failed", 8, True), ("failed", 29, True), ("failed", 31, False),
    ],
)  # fmt: skip
async def test_finished_jobs_are_kept_a_week_and_failed_ones_a_month(database, status, days, kept):
    async with database.system_transaction(SYSTEM) as session:
        job_id = await add_job(session, status, ended=timedelta(days=days))
        assert await pruning.jobs().prune(session) == (not kept)
        assert await ids(session) == ({job_id} if kept else set())


@pytest.mark.parametrize("status", ["todo", "doing"])
async def test_a_job_that_has_not_ended_stays_however_old_it_is(database, status):
    async with database.system_transaction(SYSTEM) as session:
        job_id = await add_job(session, status)
        assert await pruning.jobs().prune(session) == 0
        assert await ids(session) == {job_id}


async def test_a_job_ended_without_a_time_counts_from_its_last_event(database):
    """The library's own commands end jobs too, and know nothing of our columns."""
    async with database.system_transaction(SYSTEM) as session:
        kept, goes = [await add_job(session, "todo") for _ in range(2)]
        await session.execute(
            text("select procrastinate_cancel_job_v1(id, false, false) from procrastinate_jobs")
        )
        await session.execute(
            text("update procrastinate_events set at = now() - interval '8 days' where job_id = :id"),
            {"id": goes},
        )
        assert await pruning.jobs().prune(session) == 1
        assert await ids(session) == {kept}


async def test_events_and_results_go_with_their_job(database):
    async with database.system_transaction(SYSTEM) as session:
        job_id = await add_job(session, "todo")
        await session.execute(
            text(
                "update procrastinate_jobs set status = 'failed', x_finished_at = now() - interval '31 days'"
            )
        )
        await session.execute(
            text("insert into job_results (job_id, attempt, outcome, error) values (:id, 1, 'failed', 'x')"),
            {"id": job_id},
        )
        await pruning.jobs().prune(session)
        assert await ids(session, "procrastinate_events", "job_id") == set()
        assert await ids(session, "job_results", "job_id") == set()


async def test_a_walk_goes_on_where_it_stopped_and_begins_anew_at_the_end(database):
    async with database.system_transaction(SYSTEM) as session:
        await session.execute(
            text("insert into procrastinate_jobs (queue_name, task_name, x_created_at)"
                 " select 'q', 'x', now() - interval '90 days' from generate_series(1, 1500)")
        )  # fmt: skip
        old = await add_job(session, "succeeded", ended=timedelta(days=8))
        walk = pruning.jobs()
        assert await walk.prune(session) == 1
        assert old not in await ids(session)
        await session.execute(
            text("update procrastinate_jobs set status = 'succeeded',"
                 " x_finished_at = now() - interval '8 days'"
                 " where id = (select min(id) from procrastinate_jobs)")
        )  # fmt: skip
        assert await walk.prune(session) == 1


async def test_a_walk_ends_where_jobs_are_too_young_to_be_old(database):
    async with database.system_transaction(SYSTEM) as session:
        await session.execute(
            text("insert into procrastinate_jobs (queue_name, task_name) select 'q', 'x'"
                 " from generate_series(1, 1000)")
        )  # fmt: skip
        behind = await add_job(session, "succeeded", ended=timedelta(days=8))
        assert await pruning.jobs().prune(session) == 0
        assert behind in await ids(session)


async def test_a_job_retried_meanwhile_stays(fresh_database):
    async with fresh_database.system_transaction(SYSTEM) as session:
        await add_job(session, "failed", ended=timedelta(days=31))

    async def prune():
        async with fresh_database.system_transaction(SYSTEM) as pruner:
            return await pruning.jobs().prune(pruner)

    async with fresh_database.system_transaction(SYSTEM) as session:
        await session.execute(text("update procrastinate_jobs set status = 'todo', x_finished_at = null"))
        pruned = asyncio.create_task(prune())
        while not await session.scalar(text("select exists (select from pg_locks where not granted)")):
            await asyncio.sleep(0.01)
    assert await pruned == 0
    async with fresh_database.system_transaction(SYSTEM) as session:
        assert len(await ids(session)) == 1


async def test_results_expire_and_errors_stay_with_their_job(database):
    async with database.system_transaction(SYSTEM) as session:
        job_id = await add_job(session, "succeeded", ended=timedelta())
        await session.execute(
            text("""
                insert into job_results (job_id, attempt, outcome, result, error, expires_at) values
                    (:id, 1, 'todo', null, 'oops', null),
                    (:id, 2, 'succeeded', '1', null, now() - interval '1 s'),
                    (:id, 3, 'succeeded', '2', null, now() + interval '1 s')
            """),
            {"id": job_id},
        )
        assert await pruning.expire_results(session) == 1
        assert await pruning.orphans().prune(session) == 0
        assert await ids(session, "job_results", "attempt") == {1, 3}


async def test_results_whose_job_somebody_deleted_go_too(database):
    async with database.system_transaction(SYSTEM) as session:
        await session.execute(
            text("insert into job_results (job_id, attempt, outcome, error) values (1, 1, 'failed', 'x')")
        )
        assert await pruning.orphans().prune(session) == 1
        assert await ids(session, "job_results", "job_id") == set()


async def test_old_minutes_become_hours_and_old_hours_a_total_and_nothing_is_lost(database):
    async with database.system_transaction(SYSTEM) as session:
        for ago, succeeded, longest in (
            ("1 hour", 1, 1), ("3 days", 10, 1), ("71 hours 59 minutes", 20, 7), ("71 hours 1 minute", 30, 3),
            ("40 days", 100, 2), ("39 days 23 hours 59 minutes", 200, 1),
        ):  # fmt: skip
            await session.execute(STATS, {"ago": ago, "succeeded": succeeded, "longest": longest})
        while await pruning.fold_stats(session):
            pass
        rows = (
            await session.execute(
                text("select extract(epoch from minute_at) = 0 as total, succeeded, failed, running_s,"
                     " longest_s, waited_s, buckets from job_stats order by minute_at")
            )
        ).all()  # fmt: skip
    assert [tuple(row) for row in rows] == [
        (True, 300, 2, 5.0, 2.0, 1.0, [2, 4]),
        (False, 60, 3, 7.5, 7.0, 1.5, [3, 6]),
        (False, 1, 1, 2.5, 1.0, 0.5, [1, 2]),
    ]


async def test_a_look_at_many_jobs_walks_their_key(database):
    async with database.system_transaction(SYSTEM) as session:
        for other in ("seqscan", "bitmapscan", "sort"):
            await session.execute(text(f"set local enable_{other} = off"))
        values = {"after": 0, "batch": 1000, "keep": timedelta(days=7), "keep_failed": timedelta(days=30)}
        plan = "\n".join(await session.scalars(text(f"explain {pruning._JOBS.text}"), values))
    assert "Index Scan using procrastinate_jobs_pkey on procrastinate_jobs  (cost" in plan, plan


async def test_expired_jobs_of_a_queue_that_nobody_serves_are_cancelled(fresh_database):
    async with fresh_database.system_transaction(SYSTEM) as session:
        await session.execute(
            text(
                "insert into procrastinate_jobs (queue_name, task_name, x_expires_at)"
                " values ('nobodys', 't', now() - interval '60 s'), ('nobodys', 't', now() + interval '1 h')"
            )
        )
        assert await pruning.expire_jobs(session) == 1
        assert [job["status"] for job in await jobs(session)] == ["cancelled", "todo"]
