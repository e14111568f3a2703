"""The jobs of dead workers: who is dead, and what becomes of what they ran."""

import asyncio

import psycopg
import pytest
from sqlalchemy import text

from socialsync.queue.rescue import LOOK_EVERY, MOST_KILLS, STEADY_FOR, TWICE_WITHIN, Rescuer
from tests.queue.conftest import SYSTEM, jobs


@pytest.fixture
def rescuer(app, fresh_database):
    """One that has watched for long enough to judge."""
    return Rescuer(fresh_database, app, steady_since=lambda: float("-inf"))


async def run(session, sql, **values):
    return (await session.execute(text(sql), values)).scalar()


async def dead_worker(database, *, silent_s=31, leased=False) -> int:
    """A worker whose last heartbeat was so long ago and who holds no lock."""
    async with database.system_transaction(SYSTEM) as session:
        worker = await run(
            session,
            "insert into procrastinate_workers (last_heartbeat)"
            " values (now() - make_interval(secs => :silent)) returning id",
            silent=silent_s,
        )
        await run(
            session,
            "insert into worker_info (worker_id, name, host, pid, concurrency, version, leased, started_at)"
            " values (:id, 'w', 'h', 1, 1, '0', :leased, now()) returning 1",
            id=worker,
            leased=leased,
        )
        return worker


async def give(database, worker) -> None:
    """All jobs are run by this worker."""
    async with database.system_transaction(SYSTEM) as session:
        await session.execute(
            text("update procrastinate_jobs set status = 'doing', worker_id = :worker, x_started_at = now()"),
            {"worker": worker},
        )


async def only_job(database):
    async with database.system_transaction(SYSTEM) as session:
        (job,) = await jobs(session)
        return job


DEATHS = {"base": ("todo", 0), "critical": ("failed", 1), "tick": ("aborted", 1)}


@pytest.mark.parametrize(("policy", "becomes"), DEATHS.items())
async def test_a_dead_workers_job_gets_what_its_policy_says(app, fresh_database, rescuer, policy, becomes):
    @app.task(name="mine.task", policy=policy)
    async def task() -> None: ...

    await task.defer_async()
    await give(fresh_database, await dead_worker(fresh_database))
    assert await rescuer.look() == 1
    job = await only_job(fresh_database)
    assert (job["status"], job["attempts"]) == becomes
    assert await rescuer.look() == 0


async def test_a_living_workers_job_is_left_alone(app, fresh_database, rescuer):
    @app.task(name="mine.task")
    async def task() -> None: ...

    await task.defer_async()
    await give(fresh_database, await dead_worker(fresh_database, silent_s=29))
    assert await rescuer.look() == 0
    assert (await only_job(fresh_database))["status"] == "doing"


async def test_a_worker_without_its_lock_is_dead_in_the_second_look(app, fresh_database, rescuer):
    @app.task(name="mine.task")
    async def task() -> None: ...

    await task.defer_async()
    await give(fresh_database, await dead_worker(fresh_database, silent_s=0, leased=True))
    assert await rescuer.look() == 0
    rescuer._missed = {worker: at - TWICE_WITHIN for worker, at in rescuer._missed.items()}
    assert await rescuer.look() == 1
    assert (await only_job(fresh_database))["status"] == "todo"


async def test_a_rescuer_whose_own_session_is_young_judges_no_lock(app, fresh_database):
    @app.task(name="mine.task")
    async def task() -> None: ...

    await task.defer_async()
    await give(fresh_database, await dead_worker(fresh_database, silent_s=0, leased=True))
    rescuer = Rescuer(fresh_database, app, steady_since=lambda: None)
    for _ in range(2):
        assert await rescuer.look() == 0
        rescuer._missed = {worker: at - TWICE_WITHIN for worker, at in rescuer._missed.items()}
    assert await rescuer.look() == 0
    assert STEADY_FOR > 2 * LOOK_EVERY


async def test_a_worker_that_holds_its_lock_is_alive(app, fresh_database, fresh, rescuer):
    @app.task(name="mine.task")
    async def task() -> None: ...

    async with await psycopg.AsyncConnection.connect(fresh.app, autocommit=True) as lease:
        row = await (await lease.execute("select queue_register(true) as id")).fetchone()
        await lease.execute(
            "insert into worker_info (worker_id, name, host, pid, concurrency, version, leased, started_at)"
            " values (%s, 'w', 'h', 1, 1, '0', true, now())",
            row,
        )
        await task.defer_async()
        await give(fresh_database, row[0])
        for _ in range(2):
            assert await rescuer.look() == 0
            rescuer._missed = {worker: at - TWICE_WITHIN for worker, at in rescuer._missed.items()}
    async with asyncio.timeout(10):  # its backend ends a moment after the connection
        while not await rescuer.look():
            rescuer._missed = {worker: at - TWICE_WITHIN for worker, at in rescuer._missed.items()}
    assert (await only_job(fresh_database))["status"] == "todo"


async def test_a_rescued_job_whose_twin_waits_is_not_stranded(app, fresh_database, rescuer):
    @app.task(name="mine.task", queueing_lock="one")
    async def task() -> None: ...

    await task.defer_async()
    await give(fresh_database, await dead_worker(fresh_database))
    await task.defer_async()
    assert await rescuer.look() == 1
    async with fresh_database.system_transaction(SYSTEM) as session:
        assert [job["status"] for job in await jobs(session)] == ["aborted", "todo"]
        assert "same queueing lock" in await run(session, "select error from job_results")


async def test_an_older_twin_that_waits_does_the_younger_ones_work(app, fresh_database, rescuer):
    @app.task(name="mine.task", queueing_lock="one")
    async def task(n: int) -> None: ...

    await task.defer_async(n=1)
    await give(fresh_database, await dead_worker(fresh_database, silent_s=0))
    await task.defer_async(n=2)
    async with fresh_database.system_transaction(SYSTEM) as session:
        older, younger = (job["id"] for job in await jobs(session))
    second = await dead_worker(fresh_database)
    async with fresh_database.system_transaction(SYSTEM) as session:
        await session.execute(
            text(
                "update procrastinate_jobs set status = 'doing', worker_id = :worker, x_started_at = now()"
                " where id = :id"
            ),
            {"worker": second, "id": younger},
        )
        await session.execute(
            text(
                "update procrastinate_jobs set status = 'todo', worker_id = null,"
                " scheduled_at = now() + interval '1 hour' where id = :id"
            ),
            {"id": older},
        )
        await session.execute(
            text("update procrastinate_jobs set scheduled_at = now() where id = :id"), {"id": younger}
        )
    assert await rescuer.look() == 1
    async with fresh_database.system_transaction(SYSTEM) as session:
        waiting, superseded = await jobs(session)
        assert (waiting["id"], waiting["status"], waiting["args"]) == (older, "todo", {"n": 2})
        assert waiting["scheduled_at"] == superseded["scheduled_at"]
        assert (superseded["id"], superseded["status"]) == (younger, "aborted")


async def test_the_third_kill_is_poison_and_its_story_is_told(app, fresh_database, rescuer):
    @app.task(name="mine.task")
    async def task() -> None: ...

    await task.defer_async()
    seen = []
    for _ in range(MOST_KILLS):
        await give(fresh_database, await dead_worker(fresh_database))
        await rescuer.look()
        seen.append((await only_job(fresh_database))["status"])
    assert seen == ["todo", "todo", "failed"]
    async with fresh_database.system_transaction(SYSTEM) as session:
        assert "died 3 times" in await run(session, "select error from job_results")


async def test_one_job_that_a_transaction_holds_delays_the_rescue_of_no_other(
    app, fresh, fresh_database, rescuer
):
    @app.task(name="mine.task")
    async def task() -> None: ...

    await task.batch_defer_async({}, {})
    await give(fresh_database, await dead_worker(fresh_database))
    async with await psycopg.AsyncConnection.connect(fresh.app) as other:
        await other.execute(
            "select from procrastinate_jobs where id = (select min(id) from procrastinate_jobs) for share"
        )
        assert await rescuer.look() == 1
        await other.rollback()
    assert await rescuer.look() == 1
    async with fresh_database.system_transaction(SYSTEM) as session:
        assert [job["status"] for job in await jobs(session)] == ["todo", "todo"]
        assert await run(session, "select count(*) from procrastinate_workers") == 0


async def test_a_twin_that_is_not_committed_delays_the_rescue_of_no_other(
    app, fresh, fresh_database, rescuer
):
    @app.task(name="mine.task")
    async def task() -> None: ...

    await task.configure(queueing_lock="one").defer_async()
    await task.defer_async()
    await give(fresh_database, await dead_worker(fresh_database))
    async with await psycopg.AsyncConnection.connect(fresh.app) as other:
        await other.execute(
            "insert into procrastinate_jobs (queue_name, task_name, queueing_lock)"
            " values ('default', 'mine.task', 'one')"
        )
        assert await rescuer.look() == 1
    assert await rescuer.look() == 1
    async with fresh_database.system_transaction(SYSTEM) as session:
        assert [job["status"] for job in await jobs(session)] == ["aborted", "todo", "todo"]


async def test_a_critical_job_known_by_its_alias_or_to_others_only_is_not_run_twice(
    app, fresh_database, rescuer
):
    @app.task(name="mine.pay", aliases=["old.pay"], policy="critical")
    async def pay() -> None: ...

    async with fresh_database.system_transaction(SYSTEM) as session:
        await session.execute(
            text(
                "insert into task_info (name, queue, policy, scope, soft_s, hard_s, priority)"
                " values ('theirs.pay', 'default', 'critical', 'system', 1, 1, 0)"
            )
        )
        for name in ("old.pay", "theirs.pay"):
            await session.execute(
                text("insert into procrastinate_jobs (queue_name, task_name) values ('default', :name)"),
                {"name": name},
            )
    await give(fresh_database, await dead_worker(fresh_database))
    assert await rescuer.look() == 2
    async with fresh_database.system_transaction(SYSTEM) as session:
        assert [job["status"] for job in await jobs(session)] == ["failed", "failed"]


async def test_a_suspect_is_charged_alone(app, fresh_database, rescuer):
    @app.task(name="mine.task")
    async def task() -> None: ...

    await task.batch_defer_async({}, {})
    await give(fresh_database, await dead_worker(fresh_database))
    async with fresh_database.system_transaction(SYSTEM) as session:
        first = (await jobs(session))[0]["id"]
        await session.execute(text("update procrastinate_jobs set x_kills = 2 where id = :id"), {"id": first})
    assert await rescuer.look() == 2
    async with fresh_database.system_transaction(SYSTEM) as session:
        rows = await session.execute(text("select x_kills from procrastinate_jobs order by id"))
        assert [row.x_kills for row in rows] == [3, None]
        failed = await session.execute(text("select task_name, failed, cancelled from job_stats"))
        assert [tuple(row) for row in failed] == [("mine.task", 1, 0)]


async def test_after_a_single_death_all_that_ran_are_charged(app, fresh_database, rescuer):
    @app.task(name="mine.task")
    async def task() -> None: ...

    await task.batch_defer_async({}, {})
    for kills in (1, 2):
        await give(fresh_database, await dead_worker(fresh_database))
        assert await rescuer.look() == 2
        async with fresh_database.system_transaction(SYSTEM) as session:
            rows = await session.execute(text("select x_kills from procrastinate_jobs"))
            assert [row.x_kills for row in rows] == [kills, kills]


async def test_whom_a_blocked_worker_accuses_fails_and_nobody_else_is_charged(app, fresh_database, rescuer):
    @app.task(name="mine.task")
    async def task() -> None: ...

    await task.batch_defer_async({}, {})
    worker = await dead_worker(fresh_database)
    await give(fresh_database, worker)
    async with fresh_database.system_transaction(SYSTEM) as session:
        await session.execute(
            text("update worker_info set blocked_by = (select min(id) from procrastinate_jobs)")
        )
    assert await rescuer.look() == 2
    async with fresh_database.system_transaction(SYSTEM) as session:
        assert [job["status"] for job in await jobs(session)] == ["failed", "todo"]
        assert await run(session, "select x_kills from procrastinate_jobs where status = 'todo'") is None
        assert "blocked its process" in await run(session, "select error from job_results")


async def test_a_job_past_its_hard_limit_fails_and_those_beside_it_are_innocent(app, fresh_database, rescuer):
    @app.task(name="mine.task", policy="tick")
    async def guilty() -> None: ...

    @app.task(name="mine.innocent")
    async def innocent() -> None: ...

    await guilty.defer_async()
    await innocent.defer_async()
    await give(fresh_database, await dead_worker(fresh_database))
    async with fresh_database.system_transaction(SYSTEM) as session:
        await session.execute(
            text(
                "update procrastinate_jobs set x_started_at = now() - interval '52 s'"
                " where task_name = 'mine.task'"
            )
        )
    assert await rescuer.look() == 2
    async with fresh_database.system_transaction(SYSTEM) as session:
        found = await jobs(session)
        assert [(job["status"], job["attempts"]) for job in found] == [("failed", 1), ("todo", 0)]
        assert await run(session, "select x_kills from procrastinate_jobs where status = 'todo'") is None


async def test_a_running_job_without_any_worker_is_found_too(app, fresh_database, rescuer):
    @app.task(name="mine.task")
    async def task() -> None: ...

    await task.defer_async()
    await give(fresh_database, None)
    assert await rescuer.look() == 0
    rescuer._homeless_at -= TWICE_WITHIN
    assert await rescuer.look() == 1
    assert (await only_job(fresh_database))["status"] == "todo"
