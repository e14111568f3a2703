"""Looks at the queue's tables."""

from datetime import timedelta

from sqlalchemy import text

from socialsync.queue import inspection
from socialsync.queue.inspection import QueueState

REASON = "a test looks at the queue"
JOB = text(
    "insert into procrastinate_jobs (queue_name, task_name, status, scheduled_at)"
    " values (:queue, 'x', :status, now() + :later) returning id"
)


async def add_job(session, queue, *, status="todo", later=None):
    return await session.scalar(JOB, {"queue": queue, "status": status, "later": later})


async def test_without_jobs_there_are_no_queues(database):
    async with database.system_transaction(REASON) as session:
        assert await inspection.queue_states(session) == {}


async def test_jobs_are_counted_by_queue(database):
    async with database.system_transaction(REASON) as session:
        for queue, status in (
            ("a", "todo"),
            ("a", "todo"),
            ("a", "doing"),
            ("b", "doing"),
            ("c", "succeeded"),
        ):
            await add_job(session, queue, status=status)
        found = await inspection.queue_states(session)
    assert {name: (state.waiting, state.running) for name, state in found.items()} == {
        "a": (2, 1),
        "b": (0, 1),
    }
    assert found["a"].oldest_waiting_s == 0.0
    assert found["b"].oldest_waiting_s is None


async def test_what_is_scheduled_for_later_does_not_wait(database):
    async with database.system_transaction(REASON) as session:
        await add_job(session, "a", later=timedelta(days=1))
        assert await inspection.queue_states(session) == {"a": QueueState(0, 0, None)}


async def test_the_oldest_is_the_one_that_could_have_run_first(database):
    async with database.system_transaction(REASON) as session:
        await add_job(session, "a", later=timedelta(seconds=-60))
        born = await add_job(session, "a")
        await add_job(session, "a")
        assert (await inspection.queue_states(session))["a"].oldest_waiting_s == 60
        await session.execute(
            text("update procrastinate_events set at = at - interval '90 s' where job_id = :id"), {"id": born}
        )
        assert (await inspection.queue_states(session))["a"].oldest_waiting_s == 90


async def test_a_worker_counts_while_its_heart_beats(database):
    async with database.system_transaction(REASON) as session:
        for age in (0, 29, 31, 3600):
            await session.execute(
                text("insert into procrastinate_workers (last_heartbeat) values (now() - :age)"),
                {"age": timedelta(seconds=age)},
            )
        assert await inspection.count_active_workers(session) == 2


async def test_a_look_is_bounded(database):
    async with database.system_transaction(REASON) as session:
        await inspection.bound(session)
        assert await session.scalar(text("show statement_timeout")) == "2s"
