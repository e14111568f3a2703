"""Endings that Postgres refuses, or that nobody can write: the others are written, and the job ends."""

import asyncio

import pytest
from procrastinate import BaseRetryStrategy, RetryDecision

from socialsync.queue.lease import BEAT_EVERY, CUT_OFF_AFTER
from socialsync.queue.patience import Patience
from socialsync.queue.rescue import DEAD_AFTER_S
from socialsync.queue.running import Running, Why
from socialsync.queue.worker import CONDEMNED
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
