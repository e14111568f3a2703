"""What an attempt comes to: results, time limits, aborts, stops, and jobs that do not end."""

import asyncio
import contextlib
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from procrastinate import exceptions
from sqlalchemy import text

from socialsync.queue import crew as crews
from socialsync.queue.policies import POLICIES, SoftTimeLimitExceeded, Wait
from tests.queue.conftest import SYSTEM, jobs, work


@contextlib.asynccontextmanager
async def working(app, **options):
    """A worker in this process, drained at the end."""
    worker = app._worker(install_signal_handlers=False, **options)
    running = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        await running


async def told(database):
    async with database.system_transaction(SYSTEM) as session:
        rows = await session.execute(text("select * from job_results order by job_id, attempt"))
        return rows.mappings().all()


async def until_settled(database, *statuses):
    """The jobs, once they have these statuses, in order."""
    async with asyncio.timeout(15):
        while True:
            async with database.system_transaction(SYSTEM) as session:
                found = await jobs(session)
            if [job["status"] for job in found] == list(statuses):
                return found
            await asyncio.sleep(0.02)


def limited(app, task, *, soft, hard):
    """Give a task other limits than its policy's."""
    details = app.details[task.name]
    policy = replace(details.policy, soft=timedelta(seconds=soft), hard=timedelta(seconds=hard))
    app.details[task.name] = replace(details, policy=policy)


RESULTS = [
    ({"a": [1, 2.5, None, "é"]}, {"a": [1, 2.5, None, "é"]}),
    (0, 0),
    (datetime(2026, 3, 4, tzinfo=UTC), "2026-03-04T00:00:00Z"),
    (float("nan"), "NaN"),
    ("nul \x00 byte", "nul \ufffd byte"),
    ("\ud800", {"unstorable": "str"}),
]


@pytest.mark.parametrize(("returned", "stored"), RESULTS, ids=str)
async def test_what_a_task_returns_is_kept_for_its_time(app, fresh_database, returned, stored):
    @app.task(name="mine.task", keep_result=timedelta(minutes=5))
    async def task():
        return returned

    await task.defer_async()
    await work(app)
    (tale,) = await told(fresh_database)
    assert (tale["result"], tale["outcome"], tale["error"]) == (stored, "succeeded", None)
    assert timedelta(minutes=4) < tale["expires_at"] - datetime.now(UTC) <= timedelta(minutes=5)


async def test_nothing_is_kept_of_a_task_that_returns_nothing(app, fresh_database):
    @app.task(name="mine.task")
    async def task(): ...

    await task.defer_async()
    await work(app)
    assert await told(fresh_database) == []


async def test_every_failed_attempt_leaves_its_error_and_its_traceback(app, fresh_database):
    @app.task(name="mine.task", retry=1)
    async def task():
        raise ValueError("no luck, Bearer sk-secret-of-a-customer")

    await task.defer_async()
    await work(app)
    first, second = await told(fresh_database)
    assert [first["attempt"], second["attempt"]] == [1, 2]
    assert [first["outcome"], second["outcome"]] == ["todo", "failed"]
    for tale in (first, second):
        assert tale["error"].startswith("ValueError: no luck")
        assert "in task" in tale["traceback"]
        assert "sk-secret" not in str(dict(tale))
        assert tale["expires_at"] is None


async def test_one_result_that_postgres_refuses_stops_no_other(app, fresh_database):
    @app.task(name="mine.task")
    async def task(n: int):
        return 10 ** (200_000 if n == 1 else 2)

    await task.batch_defer_async(*({"n": n} for n in range(5)))
    await work(app)
    found = await until_settled(fresh_database, *["succeeded"] * 5)
    tales = {tale["job_id"]: tale for tale in await told(fresh_database)}
    assert [tales[job["id"]]["result"] for job in found if job["args"]["n"] != 1] == [100] * 4


async def test_the_soft_limit_is_raised_where_the_task_awaits(app, fresh_database):
    seen = []

    @app.task(name="mine.task")
    async def task():
        try:
            await asyncio.sleep(30)
        except SoftTimeLimitExceeded:
            seen.append("tidied up")
            await asyncio.sleep(0.01)
            return "partial"

    limited(app, task, soft=0.2, hard=20)
    await task.defer_async()
    await work(app)
    assert seen == ["tidied up"]
    assert [tale["result"] for tale in await told(fresh_database)] == ["partial"]


async def test_the_soft_limit_ends_the_children_of_a_task_group(app, fresh_database):
    ended = []

    async def child():
        try:
            await asyncio.sleep(30)
        finally:
            ended.append(True)

    @app.task(name="mine.task", policy="critical")
    async def task():
        async with asyncio.TaskGroup() as group:
            group.create_task(child())
            group.create_task(child())

    limited(app, task, soft=0.2, hard=20)
    await task.defer_async()
    await work(app)
    assert ended == [True, True]
    (tale,) = await told(fresh_database)
    assert (tale["outcome"], tale["error"][:21]) == ("failed", "SoftTimeLimitExceeded")


async def test_past_the_soft_limit_the_policy_tries_again(app, fresh_database):
    @app.task(name="mine.task")
    async def task():
        await asyncio.sleep(30)

    limited(app, task, soft=0.2, hard=20)
    await task.defer_async()
    await work(app)
    (job,) = await until_settled(fresh_database, "todo")
    assert job["attempts"] == 1


async def test_the_hard_limit_ends_a_task_and_it_is_not_tried_again(app, fresh_database):
    @app.task(name="mine.task")
    async def task():
        with contextlib.suppress(SoftTimeLimitExceeded):
            await asyncio.sleep(30)
        await asyncio.sleep(30)

    limited(app, task, soft=0.2, hard=0.5)
    await task.defer_async()
    await work(app)
    await until_settled(fresh_database, "failed")
    (tale,) = await told(fresh_database)
    assert tale["error"].startswith("HardTimeLimitExceeded")


async def test_to_wait_is_not_to_fail(app, fresh_database):
    @app.task(name="mine.task")
    async def task():
        raise Wait(timedelta(hours=1))

    await task.defer_async()
    await work(app)
    (job,) = await until_settled(fresh_database, "todo")
    assert job["attempts"] == 0
    assert job["scheduled_at"] > datetime.now(UTC) + timedelta(minutes=59)
    assert await told(fresh_database) == []


async def test_a_running_job_is_aborted_within_a_moment(app, fresh_database):
    begun, ended = asyncio.Event(), []

    @app.task(name="mine.task")
    async def task():
        begun.set()
        try:
            await asyncio.sleep(30)
        finally:
            ended.append(True)

    async with working(app):
        job_id = await task.defer_async()
        await asyncio.wait_for(begun.wait(), 10)
        await app.job_manager.cancel_job_by_id_async(job_id, abort=True)
        await until_settled(fresh_database, "aborted")
    assert ended == [True]


async def test_a_task_may_look_whether_it_should_abort(app, fresh_database):
    begun = asyncio.Event()

    @app.task(name="mine.task", pass_context=True)
    async def task(context):
        begun.set()
        while not context.should_abort():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0.01)
        raise exceptions.JobAborted

    async with working(app):
        job_id = await task.defer_async()
        await asyncio.wait_for(begun.wait(), 10)
        await app.job_manager.cancel_job_by_id_async(job_id, abort=True)
        await until_settled(fresh_database, "aborted")


async def test_stop_lets_running_jobs_end_and_claims_no_other(app, fresh_database):
    begun, go_on = asyncio.Event(), asyncio.Event()

    @app.task(name="mine.task")
    async def task():
        begun.set()
        await go_on.wait()

    async with working(app, concurrency=1) as worker:
        await task.batch_defer_async({}, {})
        await asyncio.wait_for(begun.wait(), 10)
        worker.stop()
        go_on.set()
    await until_settled(fresh_database, "succeeded", "todo")


STOPS = {"base": ("todo", 0), "critical": ("failed", 1), "tick": ("aborted", 1)}


@pytest.mark.parametrize(("policy", "becomes"), STOPS.items())
async def test_a_second_stop_gives_running_jobs_back_as_their_policy_says(
    app, fresh_database, policy, becomes
):
    begun = asyncio.Event()

    @app.task(name="mine.task", policy=policy)
    async def task():
        begun.set()
        await asyncio.sleep(30)

    async with working(app) as worker:
        await task.defer_async()
        await asyncio.wait_for(begun.wait(), 10)
        worker.stop()
        worker.stop()
    (job,) = await until_settled(fresh_database, becomes[0])
    assert job["attempts"] == becomes[1]


async def test_the_graceful_timeout_gives_running_jobs_back(app, fresh_database):
    begun = asyncio.Event()

    @app.task(name="mine.task")
    async def task():
        begun.set()
        await asyncio.sleep(30)

    async with working(app, shutdown_graceful_timeout=0.2):
        await task.defer_async()
        await asyncio.wait_for(begun.wait(), 10)
    (job,) = await until_settled(fresh_database, "todo")
    assert job["attempts"] == 0


async def test_cancelling_run_worker_drains_too(app, fresh_database):
    begun, go_on = asyncio.Event(), asyncio.Event()

    @app.task(name="mine.task")
    async def task():
        begun.set()
        await go_on.wait()

    running = asyncio.create_task(app.run_worker_async(install_signal_handlers=False))
    await task.defer_async()
    await asyncio.wait_for(begun.wait(), 10)
    running.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    await until_settled(fresh_database, "succeeded")


async def test_a_worker_that_left_leaves_no_row(app, fresh_database):
    async with working(app):
        pass
    async with fresh_database.system_transaction(SYSTEM) as session:
        assert await session.scalar(text("select count(*) from procrastinate_workers")) == 0


async def test_a_worker_tells_who_it_is(app, fresh_database):
    async with working(app, name="mary", queues=["a", "b"], concurrency=7):
        async with asyncio.timeout(10):
            while True:
                async with fresh_database.system_transaction(SYSTEM) as session:
                    row = (await session.execute(text("select * from worker_info"))).mappings().first()
                if row and row["memory_bytes"]:
                    break
                await asyncio.sleep(0.02)
    assert (row["name"], row["queues"], row["concurrency"], row["state"]) == (
        "mary",
        ["a", "b"],
        7,
        "running",
    )
    assert row["leased"]


async def test_no_line_is_logged_for_a_job_that_succeeds(app, caplog):
    @app.task(name="mine.task")
    async def task(): ...

    caplog.set_level(logging.INFO)
    await task.defer_async()
    await work(app)
    assert not [record for record in caplog.records if "mine.task" in record.getMessage()]


async def test_middleware_of_procrastinate_wraps_ours(app, fresh_database):
    order = []

    async def outer(call_next, context, worker):
        order.append(f"worker middleware of {context.job.task_name}")
        return await call_next()

    async def inner(call_next, context, worker):
        order.append("task middleware")
        return await call_next()

    @app.task(name="mine.task")
    async def task():
        order.append("task")

    await task.defer_async()
    await work(app, worker_middleware=[outer], task_middleware=[inner])
    assert order == ["worker middleware of mine.task", "task middleware", "task"]


@pytest.mark.parametrize(
    ("condition", "left"), [("always", []), ("successful", ["failed"]), ("never", ["failed", "succeeded"])]
)
async def test_jobs_are_deleted_as_the_library_is_told(app, fresh_database, condition, left):
    @app.task(name="mine.task", policy="critical")
    async def task(fail: bool):
        if fail:
            raise ValueError

    await task.batch_defer_async({"fail": True}, {"fail": False})
    await work(app, delete_jobs=condition)
    async with fresh_database.system_transaction(SYSTEM) as session:
        assert sorted(job["status"] for job in await jobs(session)) == left


async def test_attempts_are_counted_by_task_and_minute(app, fresh_database):
    @app.task(name="mine.task", policy="critical", queue="q")
    async def task(fail: bool):
        if fail:
            raise ValueError

    await task.batch_defer_async({"fail": True}, {"fail": False}, {"fail": False})
    await work(app)
    async with fresh_database.system_transaction(SYSTEM) as session:
        rows = await session.execute(
            text(
                "select sum(succeeded), sum(failed), sum(running_s) > 0 from job_stats where queue_name = 'q'"
            )
        )
        assert rows.one() == (2, 1, True)


def test_the_grace_of_a_cancelled_job_ends_before_others_take_over():
    assert crews.GRACE < 10
    assert all(policy.soft <= policy.hard for policy in POLICIES.values())
