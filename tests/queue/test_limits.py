"""Limits by key: what may run at once and be called in a second, whoever asks."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from socialsync.errors import Invalid
from socialsync.queue import limits
from socialsync.queue.policies import Wait
from tests.queue.conftest import SYSTEM, jobs, work


async def test_a_key_without_limits_never_waits(fresh_database):
    for _ in range(3):
        assert await limits.take(fresh_database, "k") == timedelta(0)


async def test_a_burst_is_let_through_and_then_the_rate_holds(fresh_database):
    async with fresh_database.system_transaction(SYSTEM) as session:
        await limits.set_limit(session, "k", rate_per_s=0.5, burst=3)
    taken = [await limits.take(fresh_database, "k") for _ in range(3)]
    assert taken == [timedelta(0)] * 3
    wait = await limits.take(fresh_database, "k")
    assert timedelta(seconds=1) < wait <= timedelta(seconds=2)


async def test_many_at_once_share_one_bucket(fresh_database):
    async with fresh_database.system_transaction(SYSTEM) as session:
        await limits.set_limit(session, "k", rate_per_s=0.01, burst=5)
    taken = await asyncio.gather(*(limits.take(fresh_database, "k") for _ in range(12)))
    assert sum(not wait for wait in taken) == 5


async def test_what_does_not_fit_takes_nothing(fresh_database):
    async with fresh_database.system_transaction(SYSTEM) as session:
        await limits.set_limit(session, "k", rate_per_s=0.01, burst=2)
    assert await limits.take(fresh_database, "k") == timedelta(0)
    assert await limits.take(fresh_database, "k", calls=2) > timedelta(0)
    async with fresh_database.system_transaction(SYSTEM) as session:
        await limits.remove_limit(session, "k")
    assert await limits.take(fresh_database, "k", calls=5) == timedelta(0)


async def test_more_than_the_burst_goes_through_when_it_is_full_and_is_waited_for_afterwards(fresh_database):
    async with fresh_database.system_transaction(SYSTEM) as session:
        await limits.set_limit(session, "k", rate_per_s=1, burst=2)
    assert await limits.take(fresh_database, "k", calls=10) == timedelta(0)
    assert await limits.take(fresh_database, "k") > timedelta(seconds=8)


async def test_a_block_holds_until_its_time(fresh_database):
    async with fresh_database.system_transaction(SYSTEM) as session:
        await limits.block(session, "k", until=datetime.now(UTC) + timedelta(minutes=1))
    assert await limits.take(fresh_database, "k") > timedelta(seconds=50)


async def test_a_job_that_must_wait_spends_no_attempt(app, fresh_database):
    calls = []

    @app.task(name="mine.call")
    async def call() -> None:
        await limits.take_or_wait(fresh_database, "outside")
        calls.append(1)

    async with fresh_database.system_transaction(SYSTEM) as session:
        await limits.set_limit(session, "outside", rate_per_s=0.01, burst=1)
    await call.batch_defer_async({}, {})
    await work(app)
    async with fresh_database.system_transaction(SYSTEM) as session:
        done, waiting = sorted(await jobs(session), key=lambda job: job["status"])
    assert (done["status"], waiting["status"], waiting["attempts"]) == ("succeeded", "todo", 0)
    assert waiting["scheduled_at"] > datetime.now(UTC) + timedelta(seconds=50)
    assert calls == [1]


def test_to_wait_names_its_time():
    assert "2 s" in str(Wait(timedelta(seconds=2)))


@pytest.mark.parametrize(
    "wrong", [{"max_running": -1}, {"rate_per_s": 0}, {"rate_per_s": float("nan")}, {"burst": 0.5}]
)
async def test_a_limit_that_cannot_be_is_refused_by_name(fresh_database, wrong):
    async with fresh_database.system_transaction(SYSTEM) as session:
        with pytest.raises(Invalid) as refused:
            await limits.set_limit(session, "k", **wrong)
    assert refused.value.field in wrong
