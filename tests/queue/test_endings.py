"""Endings that Postgres refuses, or that nobody can write: the others are written, and the job ends."""

import asyncio
import contextlib
from datetime import timedelta

import psycopg
import pytest
from procrastinate import BaseRetryStrategy, RetryDecision

from socialsync.queue import crew
from socialsync.queue.deadman import CONDEMNED
from socialsync.queue.lease import BEAT_EVERY, CUT_OFF_AFTER
from socialsync.queue.patience import Patience
from socialsync.queue.policies import POLICIES, Policy
from socialsync.queue.rescue import DEAD_AFTER_S
from socialsync.queue.running import Running, Why
from tests.queue.conftest import SYSTEM, jobs, work
from tests.queue.test_running import limited, told, until_settled, working


class Elsewhere(BaseRetryStrategy):
    """Retries in a queue that nobody could be woken for."""

    def get_retry_decision(self, *, exception, job):  # noqa: ARG002 # the library's names
        return RetryDecision(retry_in={"seconds": 0}, queue="q" * 5_000)


async def test_an_error_that_has_no_bytes_is_told_all_the_same(app, fresh_database):
    @app.task(name="mine.task", policy="critical")
    async def task(bad: bool):
        if bad:
            raise ValueError("half a character: \ud800")

    async with working(app):
        await task.batch_defer_async({"bad": True}, {"bad": False})
        await until_settled(fresh_database, "failed", "succeeded")
    (tale,) = await told(fresh_database)
    assert tale["error"] == r"ValueError: half a character: \ud800"


async def test_a_retry_that_postgres_refuses_fails_and_stops_no_other(app, fresh_database):
    @app.task(name="mine.task", retry=Elsewhere())
    async def task(bad: bool):
        if bad:
            raise ValueError("bug")

    async with working(app):
        await task.batch_defer_async({"bad": True}, *[{"bad": False}] * 3)
        await until_settled(fresh_database, "failed", *["succeeded"] * 3)
    (tale,) = await told(fresh_database)
    assert tale["error"].startswith("Postgres refuses")


async def test_a_stop_does_not_save_a_job_from_its_hard_limit(app, fresh_database):
    late = asyncio.Event()

    @app.task(name="mine.task")
    async def task():
        try:
            await asyncio.sleep(30)
        finally:
            late.set()
            await asyncio.sleep(0.2)

    limited(app, task, soft=0.2, hard=0.2)
    async with working(app) as worker:
        await task.defer_async()
        await asyncio.wait_for(late.wait(), 10)
        worker.stop()
        worker.stop()
    await until_settled(fresh_database, "failed")
    (tale,) = await told(fresh_database)
    assert tale["error"].startswith("HardTimeLimitExceeded")


def test_a_worker_is_sure_of_being_cut_off_before_others_are():
    assert Patience() == Patience(BEAT_EVERY, CUT_OFF_AFTER, DEAD_AFTER_S)
    assert 2 * BEAT_EVERY < CUT_OFF_AFTER < DEAD_AFTER_S


@pytest.mark.parametrize("why", [Why.ABORT, Why.STOP, Why.SOFT])
def test_nothing_weaker_overrides_a_hard_limit(why):
    running = Running.__new__(Running)
    running.why, running.cancelled_at, running.task = Why.HARD, 1.0, None
    running.cancel(why)
    assert running.why is Why.HARD
    assert CONDEMNED == 75


async def test_a_twin_that_is_not_committed_holds_up_no_other_ending(app, fresh, fresh_database):
    """A retry would wait for it: the others are told, and it is told when that is settled."""
    go = asyncio.Event()

    @app.task(name="mine.task", policy="state")
    async def task(n: int) -> None:
        await go.wait()
        if n == 0:
            raise ValueError("again")

    await task.configure(queueing_lock="one").defer_async(n=0)
    for n in range(1, 6):
        await task.defer_async(n=n)
    worker = app.worker(install_signal_handlers=False, concurrency=10)
    run = asyncio.create_task(worker.run())
    await until_settled(fresh_database, *["doing"] * 6)
    async with await psycopg.AsyncConnection.connect(fresh.app) as other:
        await other.execute(
            "insert into procrastinate_jobs (queue_name, task_name, queueing_lock, args)"
            """ values ('elsewhere', 'mine.task', 'one', '{"n": 9}')"""
        )
        go.set()
        await until_settled(fresh_database, "doing", *["succeeded"] * 5)
        await other.rollback()
    await until_settled(fresh_database, "todo", *["succeeded"] * 5)
    worker.stop()
    await run


async def test_a_job_aborted_before_its_first_step_ends_and_frees_its_slot(app, fresh_database):
    @app.task(name="mine.task")
    async def task() -> None:
        await asyncio.sleep(30)

    await task.defer_async()
    worker = app.worker(install_signal_handlers=False)
    start = worker._crew.start

    def start_and_abort(claimed):
        start(claimed)
        worker._crew.abort([claimed.job.id])

    worker._crew.start = start_and_abort
    run = asyncio.create_task(worker.run())
    await until_settled(fresh_database, "aborted")
    assert len(worker._crew) == 0
    worker.stop()
    await run


@pytest.fixture
def short(monkeypatch):
    """A policy whose jobs may run for a second."""
    second = timedelta(seconds=1)
    monkeypatch.setitem(POLICIES, "short", Policy("short", (second,), second, second, "requeue"))
    monkeypatch.setattr(crew, "GRACE", 0.3)


async def test_an_aborted_job_that_goes_on_ends_with_its_process(app, fresh_database, short):
    began, end = asyncio.Event(), asyncio.Event()

    @app.task(name="mine.task", policy="short")
    async def task() -> None:
        began.set()
        while not end.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0.05)

    await task.defer_async()
    worker = app.worker(install_signal_handlers=False)
    run = asyncio.create_task(worker.run())
    await began.wait()
    worker._crew.abort(worker._crew.ids())
    await until_settled(fresh_database, "aborted")
    assert worker._condemned
    end.set()
    await run


async def test_an_error_of_cleaning_up_past_the_hard_limit_is_no_reason_to_retry(app, fresh_database, short):
    @app.task(name="mine.task", policy="short")
    async def task() -> None:
        try:
            await asyncio.sleep(30)
        finally:
            raise ConnectionError("closing failed")

    await task.defer_async()
    await work(app)
    await until_settled(fresh_database, "failed")
    (tale,) = await told(fresh_database)
    assert tale["error"].startswith("HardTimeLimitExceeded")


async def test_a_job_that_answers_a_stop_with_an_error_keeps_its_attempt(app, fresh_database):
    began = asyncio.Event()

    @app.task(name="mine.task")
    async def task() -> None:
        began.set()
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            raise ConnectionError("closed while it was read") from None

    await task.defer_async()
    worker = app.worker(install_signal_handlers=False)
    run = asyncio.create_task(worker.run())
    await began.wait()
    worker.stop()
    worker.stop()
    await run
    async with fresh_database.system_transaction(SYSTEM) as session:
        (job,) = await jobs(session)
    assert (job["status"], job["attempts"]) == ("todo", 0)
