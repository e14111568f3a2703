"""Our worker behind procrastinate's App: jobs run, expire, are retried, rescued and ticked."""

import asyncio
import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from socialsync.db.transaction import Database
from socialsync.errors import Permanent, Temporary
from socialsync.queue import deferring, schedules
from socialsync.queue.schedules import New
from socialsync.queue.upkeep import Sweep, Upkeep
from socialsync.queue.worker import RESOURCES
from tests.queue.conftest import SYSTEM, jobs, work


async def statuses(database: Database) -> list[str]:
    async with database.system_transaction(SYSTEM) as session:
        return [job["status"] for job in await jobs(session)]


async def test_a_job_runs_with_what_its_worker_has_opened(app, fresh_database):
    seen = []

    @app.task(name="mine.look", pass_context=True)
    async def look(job, *, day: datetime) -> None:
        seen.append((job.additional_context[RESOURCES].database, day))

    await look.defer_async(day="2026-03-04T12:00:00Z")
    await work(app)
    assert seen == [(fresh_database, datetime(2026, 3, 4, 12, tzinfo=UTC))]
    assert await statuses(fresh_database) == ["succeeded"]


async def test_a_users_task_works_as_procrastinates_documentation_says(app, fresh_database):
    @app.task(queue="sums")
    async def add(a: int, b: int) -> int:
        return a + b

    await add.configure(lock="one", priority=5).defer_async(a=1, b=2)
    await add.batch_defer_async({"a": 1, "b": 1}, {"a": 2, "b": 2})
    await app.configure_task(add.name).defer_async(a=3, b=4)
    await work(app, queues=["sums"])
    assert await statuses(fresh_database) == ["succeeded"] * 4


async def test_wrong_arguments_fail_at_once_and_are_not_retried(app, fresh_database):
    async with fresh_database.system_transaction(SYSTEM) as session:
        await session.execute(
            text(
                "select procrastinate_defer_jobs_v1(array[row('default', 'tests.note', 0, null, null,"
                """ '{"wrong": 1}', null)::procrastinate_job_to_defer_v1])"""
            )
        )
    await work(app)
    assert await statuses(fresh_database) == ["failed"]


@pytest.mark.parametrize(("error", "status"), [(Permanent("no"), "failed"), (ValueError("bug"), "todo")])
async def test_the_policy_decides_about_the_next_attempt(app, fresh_database, error, status):
    @app.task(name="mine.fail", policy="state")
    async def fail() -> None:
        raise error

    await fail.defer_async()
    await work(app)
    async with fresh_database.system_transaction(SYSTEM) as session:
        (job,) = await jobs(session)
    assert (job["status"], job["attempts"]) == (status, 1)
    if status == "todo":
        assert timedelta(0) < job["scheduled_at"] - datetime.now(UTC) <= timedelta(seconds=5)


async def test_an_error_that_names_its_wait_gets_it(app, fresh_database):
    @app.task(name="mine.limited")
    async def limited() -> None:
        raise Temporary("too many calls", retry_after=timedelta(hours=1))

    await limited.defer_async()
    await work(app)
    async with fresh_database.system_transaction(SYSTEM) as session:
        (job,) = await jobs(session)
    assert job["scheduled_at"] - datetime.now(UTC) > timedelta(minutes=59)


async def test_a_job_past_its_expiry_is_cancelled_instead_of_run(app, fresh_database):
    async with fresh_database.system_transaction(SYSTEM) as session:
        past = datetime.now(UTC) - timedelta(seconds=1)
        await deferring.defer(session, "tests.note", {"word": "late"}, deferring.Options(expires_at=past))
        await deferring.defer(session, "tests.note", {"word": "in time"})
    await work(app)
    assert await statuses(fresh_database) == ["cancelled", "succeeded"]


async def test_a_job_whose_task_this_worker_does_not_know_is_left_to_who_does(app, fresh_database):
    await app.configure_task("somebody.elses").defer_async()
    async with fresh_database.system_transaction(SYSTEM) as session:
        await deferring.defer(session, "tests.note", {"word": "ours"})
    await work(app)
    assert await statuses(fresh_database) == ["todo", "succeeded"]


async def test_a_worker_of_another_queue_leaves_a_job_alone(app, fresh_database):
    async with fresh_database.system_transaction(SYSTEM) as session:
        await deferring.defer(session, "tests.note", {"word": "not yours"})
    await work(app, queues=["other"])
    assert await statuses(fresh_database) == ["todo"]


@pytest.mark.parametrize("error", [None, ValueError("bug")])
async def test_a_job_that_another_worker_has_by_now_is_left_alone(app, fresh_database, error):
    @app.task(name="mine.task", pass_context=True)
    async def task(job) -> None:
        async with fresh_database.system_transaction(SYSTEM) as session:
            await session.execute(
                text(
                    "with other as (insert into procrastinate_workers default values returning id)"
                    " update procrastinate_jobs set worker_id = (select id from other)"
                )
            )
        if error:
            raise error

    await task.defer_async()
    await work(app)
    assert await statuses(fresh_database) == ["doing"]


async def test_a_failed_job_whose_twin_waits_is_not_stranded(app, fresh_database):
    @app.task(name="mine.task", queueing_lock="one")
    async def task(again: bool = False) -> None:
        if not again:
            await task.configure(schedule_in={"hours": 1}).defer_async(again=True)
            raise ValueError("bug")

    await task.defer_async()
    await work(app)
    assert await statuses(fresh_database) == ["aborted", "todo"]


async def test_a_users_own_task_can_be_scheduled_and_deferred_with_a_row(app, fresh_database):
    @app.task(name="mine.remind", queue="mine")
    async def remind(customer_id: int) -> None: ...

    new = New(name="remind", task="mine.remind", every_s=3600, args={"customer_id": 1})
    async with fresh_database.system_transaction(SYSTEM) as session:
        await schedules.add(session, new)
        await schedules.run_now(session, "remind")
        await deferring.defer(session, remind, {"customer_id": 2})
        assert [job["queue_name"] for job in await jobs(session)] == ["mine", "mine"]


async def test_a_duty_that_fails_stops_neither_the_others_nor_the_next_look(app, fresh_database):
    looks = asyncio.Queue()

    async def broken(session) -> int:
        raise ZeroDivisionError

    async def sound(session) -> int:
        looks.put_nowait(True)
        return 0

    sweeps = [Sweep(name, timedelta(seconds=0.1), run) for name, run in (("a", broken), ("b", sound))]
    care = asyncio.create_task(Upkeep(fresh_database, tasks=app, timetable=[], sweeps=sweeps).run())
    for _ in range(2):
        assert await asyncio.wait_for(looks.get(), 10)
    care.cancel()
    await asyncio.gather(care, return_exceptions=True)


async def test_upkeep_seeds_ticks_and_sweeps_in_two_workers_without_doubling(app, fresh_database):
    swept = asyncio.Event()

    async def sweep(session) -> int:
        swept.set()
        return 0

    duties = {
        "tasks": app,
        "timetable": [New(name="often", task="tests.note", every_s=3600, args={"word": "tick"})],
        "sweeps": [Sweep("a sweep", timedelta(seconds=1), sweep)],
    }
    cares = [asyncio.create_task(Upkeep(fresh_database, **duties).run()) for _ in range(2)]
    await asyncio.wait_for(swept.wait(), 10)
    async with fresh_database.system_transaction(SYSTEM) as session:
        await session.execute(text("update schedules set next_at = now()"))
    async with asyncio.timeout(10):
        while not await statuses(fresh_database):
            await asyncio.sleep(0.05)
    for care in cares:
        care.cancel()
    await asyncio.gather(*cares, return_exceptions=True)
    assert await statuses(fresh_database) == ["todo"]


async def test_the_next_job_of_a_lock_starts_when_another_workers_job_ends(app, fresh_database):
    go, first, second = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @app.task(name="mine.first", queue="qa", lock="one")
    async def begin() -> None:
        first.set()
        await go.wait()

    @app.task(name="mine.second", queue="qb", lock="one")
    async def follow() -> None:
        second.set()

    workers = [
        app.worker(queues=[queue], name=queue, install_signal_handlers=False, fetch_job_polling_interval=60)
        for queue in ("qa", "qb")
    ]
    runs = [asyncio.create_task(worker.run()) for worker in workers]
    await begin.defer_async()
    await asyncio.wait_for(first.wait(), 10)
    await follow.defer_async()
    await asyncio.sleep(0.3)
    assert not second.is_set()
    go.set()
    await asyncio.wait_for(second.wait(), 10)
    for worker in workers:
        worker.stop()
    await asyncio.gather(*runs)


async def test_procrastinates_periodic_tasks_become_schedules(app, fresh_database):
    seen = []

    @app.periodic(cron="* * * * * */1")
    @app.task(name="mine.periodic", pass_context=True)
    async def periodic(job, timestamp: int) -> None:
        seen.append(timestamp)

    worker = app.worker(install_signal_handlers=False)
    run = asyncio.create_task(worker.run())
    async with asyncio.timeout(15):
        while not seen:
            await asyncio.sleep(0.05)
    worker.stop()
    await run
    assert abs(seen[0] - datetime.now(UTC).timestamp()) < 20
    async with fresh_database.system_transaction(SYSTEM) as session:
        rows = await session.execute(text("select name, task from schedules"))
        assert [tuple(row) for row in rows] == [("mine.periodic", "mine.periodic")]


async def test_what_a_job_logs_carries_its_number(app, fresh_database, capsys):
    @app.task(name="mine.fail", policy="critical")
    async def fail() -> None:
        raise Permanent("no")

    job_id = await fail.defer_async()
    await work(app)
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "Failed" in line]
    assert f"job_id={job_id}" in re.sub(r"\x1b\[[0-9;]*m", "", line).replace("'", "")


@pytest.mark.parametrize("wrong", [{"policy": "nope"}, {"policy": "nope", "queue": "q"}])
def test_a_policy_that_there_is_not_is_refused_with_those_that_there_are(app, wrong):
    with pytest.raises(ValueError, match=r"no policy 'nope'\. One of: .*base.*critical"):
        app.task(name="mine.task", **wrong)


def test_a_worker_without_slots_is_refused(app):
    with pytest.raises(ValueError, match="concurrency"):
        app.worker(concurrency=0)
