"""A worker that is cut off, comes back under another id, and what becomes of what it ran meanwhile."""

import asyncio
import time
from contextlib import asynccontextmanager

import psycopg
import pytest
from sqlalchemy import text

from socialsync.queue.jobs import still_mine
from socialsync.queue.patience import Patience
from socialsync.queue.worker import RESOURCES, Worker
from tests.queue.conftest import SYSTEM

BURY = "select queue_bury(:worker, '{}', '{}', '{}', '{}', 3)"


async def rows(database, sql, **values):
    async with database.system_transaction(SYSTEM) as session:
        found = await session.execute(text(sql), values)
        return [tuple(row) for row in found] if found.returns_rows else []


async def until(said, within=15):
    """Wait until ``said()`` is true."""
    async with asyncio.timeout(within):
        while not said():
            await asyncio.sleep(0.02)


async def status(database) -> str:
    ((found,),) = await rows(database, "select status::text from procrastinate_jobs")
    return found


async def until_status(database, wanted, within=15):
    async with asyncio.timeout(within):
        while await status(database) != wanted:
            await asyncio.sleep(0.05)


@asynccontextmanager
async def working(app, patience=None):
    worker: Worker = app.worker(install_signal_handlers=False, fetch_job_polling_interval=0.2)
    worker._patience = patience or worker._patience
    run = asyncio.create_task(worker.run())
    try:
        await until(lambda: hasattr(worker, "_lease") and worker._lease.current_id is not None)
        yield worker
    finally:
        worker.stop()
        await run


async def register_anew(worker) -> None:
    before = worker._lease.current_id
    worker._lease.distrust()
    await until(lambda: worker._lease.current_id not in {None, before})


async def test_a_job_is_still_mine_after_its_worker_registered_anew(app, fresh_database):
    began, go = asyncio.Event(), asyncio.Event()

    @app.task(name="mine.task", pass_context=True, policy="critical")
    async def task(job) -> None:
        began.set()
        await go.wait()
        async with job.additional_context[RESOURCES].database.system_transaction(SYSTEM) as session:
            await still_mine(session, job)

    await task.defer_async()
    async with working(app) as worker:
        await began.wait()
        await register_anew(worker)
        go.set()
        await until_status(fresh_database, "succeeded")


async def test_a_job_that_was_lost_when_it_was_to_commit_runs_again(app, fresh_database):
    ran = []

    @app.task(name="mine.task", pass_context=True)
    async def task(job) -> None:
        ran.append(job.job.worker_id)
        if len(ran) == 1:
            job.job.__dict__["worker_id"] = -1
        async with job.additional_context[RESOURCES].database.system_transaction(SYSTEM) as session:
            await still_mine(session, job)

    await task.defer_async()
    async with working(app):
        await until_status(fresh_database, "succeeded")
    assert len(ran) == 2
    assert await rows(fresh_database, "select attempts from procrastinate_jobs") == [(1,)]


@pytest.mark.parametrize(("policy", "becomes"), [("base", "succeeded"), ("critical", "failed")])
async def test_what_a_cut_off_worker_gave_up_is_not_left_running(app, fresh_database, policy, becomes):
    """It comes back while the job's coroutine still unwinds: nobody else took the job, so it is told as its
    policy says.
    """
    began, runs = asyncio.Event(), []

    @app.task(name="mine.task", policy=policy)
    async def task() -> None:
        runs.append(1)
        began.set()
        if len(runs) == 1:
            try:
                await asyncio.sleep(60)
            finally:
                await asyncio.sleep(0.5)

    await task.defer_async()
    async with working(app) as worker:
        await began.wait()
        worker._crew.cut_off()
        await register_anew(worker)
        await until_status(fresh_database, becomes)


async def test_a_job_taken_over_while_its_old_coroutine_unwinds_keeps_its_new_ending(app, fresh_database):
    began, runs = asyncio.Event(), []

    @app.task(name="mine.task")
    async def task() -> int:
        runs.append(1)
        began.set()
        if len(runs) == 1:
            try:
                await asyncio.sleep(60)
            finally:
                await asyncio.sleep(0.5)
        await asyncio.sleep(1)
        return len(runs)

    await task.defer_async()
    async with working(app) as worker:
        await began.wait()
        await rows(fresh_database, BURY, worker=worker._lease.current_id)
        worker._lease.distrust()
        await until_status(fresh_database, "succeeded")
    assert await rows(fresh_database, "select result from job_results") == [(2,)]


async def test_a_stale_ending_does_not_end_the_next_attempt(app, fresh_database):
    """It could not be written while Postgres was away; others took the job, and we got it again."""
    began, finish, second = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @app.task(name="mine.task")
    async def task() -> str:
        if began.is_set():
            second.set()
            await asyncio.sleep(1.5)
            return "second"
        began.set()
        await finish.wait()
        return "first"

    async def away(*_):
        raise psycopg.OperationalError("away")

    await task.defer_async()
    async with working(app) as worker:
        await began.wait()
        send, worker._endings._send = worker._endings._send, away
        finish.set()
        await until(worker._endings.ids)
        await rows(fresh_database, BURY, worker=worker._lease.current_id)
        worker._lease.distrust()
        await second.wait()
        worker._endings._send = send
        await asyncio.sleep(1)
        assert await status(fresh_database) == "doing"
        await until_status(fresh_database, "succeeded")
    assert await rows(fresh_database, "select result from job_results") == [("second",)]


@pytest.mark.parametrize("lost", ["queue_register", "queue_take_over"])
async def test_a_lost_answer_to_the_registration_loses_no_job(app, fresh_database, lost):
    began, go = asyncio.Event(), asyncio.Event()
    runs = []

    @app.task(name="mine.task", policy="critical")
    async def task() -> None:
        runs.append(1)
        began.set()
        await go.wait()

    await task.defer_async()
    async with working(app) as worker:
        await began.wait()
        line, hits = worker._lease._line, []
        run = line.run

        async def lossy(statement, values=()):
            answer = await run(statement, values)
            if lost in str(statement) and not hits:
                hits.append(1)
                await line.close()
                raise psycopg.OperationalError("the answer is lost")
            return answer

        line.run = lossy
        await register_anew(worker)
        assert hits
        assert await rows(fresh_database, "select status::text, worker_id from procrastinate_jobs") == [
            ("doing", worker._lease.current_id)
        ]
        go.set()
        await until_status(fresh_database, "succeeded")
    assert runs == [1]


async def test_a_heartbeat_counts_from_its_question_not_from_its_answer(app, fresh_database):
    async with working(app, patience=Patience(beat_every=0.3)) as worker:
        line = worker._lease._line
        run, beats = line.run, []

        async def slow(statement, values=()):
            answer = await run(statement, values)
            if "last_heartbeat" in str(statement):
                beats.append(1)
                await asyncio.sleep(1)
            return answer

        line.run = slow
        await until(lambda: len(beats) >= 2)
        ours = time.monotonic() - worker._lease._beaten_at
        ((theirs,),) = await rows(
            fresh_database,
            "select extract(epoch from clock_timestamp() - last_heartbeat) from procrastinate_workers",
        )
        line.run = run
    assert ours > float(theirs) - 0.1


async def test_a_worker_tells_the_tasks_it_knows_and_those_that_come_later(app, fresh_database):
    async def told(*names):
        while True:
            ((tasks,),) = await rows(fresh_database, "select tasks from worker_info")
            if set(names) <= set(tasks):
                return
            await asyncio.sleep(0.02)

    @app.task(name="mine.early", aliases=["mine.first"])
    async def early(): ...

    async with working(app, patience=Patience(beat_every=0.1)) as worker, asyncio.timeout(10):
        await told("mine.early", "mine.first")

        @app.task(name="mine.late")
        async def late(): ...

        await told("mine.late")
        await register_anew(worker)
        await told("mine.early", "mine.late")


async def test_two_jobs_of_one_queueing_lock_are_given_back_as_the_younger(app, fresh, fresh_database):
    """The first began before the second was deferred; both were claimed by a worker that is no more."""
    await rows(
        fresh_database,
        "insert into procrastinate_workers default values",
    )
    for number in (1, 2):
        await rows(
            fresh_database,
            "insert into procrastinate_jobs (queue_name, task_name, queueing_lock, args)"
            " values ('q', 't', 'one', jsonb_build_object('n', cast(:n as integer)))",
            n=number,
        )
        await rows(
            fresh_database,
            "update procrastinate_jobs set status = 'doing',"
            " worker_id = (select id from procrastinate_workers) where status = 'todo'",
        )
    await rows(fresh_database, "select queue_give_back(id, '{}') from procrastinate_workers")
    assert await rows(
        fresh_database, "select status::text, args ->> 'n' from procrastinate_jobs order by id"
    ) == [("aborted", "1"), ("todo", "2")]
