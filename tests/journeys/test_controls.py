"""What operators do, to two real workers of the stock command: each control, and what it must not touch."""

import os
import shutil
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from socialsync.db.transaction import Database
from socialsync.queue import controls, history, inspection, limits, pruning, switches
from socialsync.queue.controls import By
from tests.journeys.conftest import Installation, wait_for

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]
MARKET = Path(__file__).with_name("market.py")
LEDGER = """
create table ledger (what text, number integer, pid integer, at timestamptz default clock_timestamp());
grant select, insert on ledger to socialsync_app;
"""
REASON = "a journey of an operator"
US = By("cli")


@pytest.fixture
def ask(fresh):
    """SQL as anybody with psql."""
    with psycopg.connect(fresh.owner, autocommit=True) as connection:
        connection.execute(LEDGER)

        def ask(statement: str, *parameters):
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

        yield ask


def open_market(installation: Installation) -> None:
    """Its App is the one that workers load."""
    shutil.copy(MARKET, installation.home)
    path = os.pathsep.join(filter(None, (str(installation.home), os.environ.get("PYTHONPATH"))))
    installation.environment |= {"PROCRASTINATE_APP": "market.app", "PYTHONPATH": path}


@pytest.fixture
def market(installation: Installation, ask) -> Installation:
    """Two workers of the stock command."""
    open_market(installation)
    for name in ("one", "two"):
        installation.start("procrastinate", "worker", "-q", "market", "--name", name, "--concurrency", "4")
    wait_for(lambda: ask("select count(*) from worker_info where running = 0") == [(2,)], "two workers")
    return installation


async def test_a_job_that_ignores_its_abort_is_ended_with_its_process_and_it_alone(installation, ask):
    """Under a supervisor, by the command that operators type."""
    open_market(installation)
    installation.start("socialsync", "worker", "-q", "market", "--name", "shop", "--concurrency", "4")
    (culprit,) = enqueue(ask, "market.ignore", 1)
    innocents = enqueue(ask, "market.sell", 3, seconds=20.0)
    all_are(ask, [culprit, *innocents], "doing")
    wait_for(lambda: ask("select count(distinct number) from ledger") == [(3,)], "their start")
    ((first,),) = ask("select distinct pid from ledger")
    ask("update procrastinate_jobs set args = args || '{\"seconds\": 0}' where id = any(%s)", innocents)
    installation.run("socialsync", "revoke", str(culprit), "--terminate")
    wait_for(lambda: statuses(ask, [culprit]) == {"aborted": 1}, "its end", 20)
    all_are(ask, innocents, "succeeded")
    ended = ask("select distinct pid from ledger where what = 'ended'")
    assert len(ended) == 1
    assert ended != [(first,)]
    assert ask(
        "select attempts, x_kills from procrastinate_jobs where id = any(%s) group by 1, 2", innocents
    ) == [(1, None)]
    assert ask("select error from job_results where job_id = %s", culprit) == [("Aborted",)]


def enqueue(ask, task: str, count: int, *, key: str | None = None, **args) -> list[int]:
    """In SQL, as any application may: the ids."""
    rows = ask(
        "insert into procrastinate_jobs (queue_name, task_name, args, x_limit_key)"
        " select 'market', %s, jsonb_build_object('number', n) || %s, %s from generate_series(1, %s) n"
        " returning id",
        task, Jsonb(args), key, count,
    )  # fmt: skip
    return [job_id for (job_id,) in rows]


def statuses(ask, ids: list[int]) -> dict[str, int]:
    return dict(
        ask("select status::text, count(*) from procrastinate_jobs where id = any(%s) group by 1", ids)
    )


def all_are(ask, ids: list[int], status: str):
    wait_for(lambda: statuses(ask, ids) == {status: len(ids)}, f"{len(ids)} jobs {status}")


async def test_an_operator_steers_two_workers(market, ask, fresh_database: Database):
    await _pause_holds_and_resume_lets_go(ask, fresh_database)
    await _purge_leaves_what_runs_alone(ask, fresh_database)
    await _abort_ends_what_runs_within_a_moment(ask, fresh_database)
    await _results_are_there_and_then_gone(ask, fresh_database)
    await _a_rate_holds_across_both_workers(ask, fresh_database)
    await _so_does_a_number_at_once(ask, fresh_database)
    _another_tenants_job_does_not_wait_for_a_great_pile(ask)
    _a_job_past_its_expiry_is_not_run(ask)
    await _a_drained_worker_leaves_and_the_other_goes_on(market, ask, fresh_database)
    ((deeds,),) = ask("select array_agg(distinct action order by action) from audit_log")
    assert {
        "queues.paused",
        "queues.resumed",
        "queues.purged",
        "jobs.abort_requested",
        "workers.drain_asked",
    } <= set(deeds)


async def _pause_holds_and_resume_lets_go(ask, database):
    async with database.system_transaction(REASON) as session:
        await switches.pause(session, "market", US)
    ids = enqueue(ask, "market.sell", 5)
    others = enqueue(ask, "market.sell", 1)
    ask("update procrastinate_jobs set queue_name = 'stall' where id = any(%s)", others)
    async with database.system_transaction(REASON) as session:
        (queue,) = [queue for queue in await inspection.queues(session) if queue.name == "market"]
        assert (queue.waiting, queue.running) == (5, 0)
        assert queue.paused_at
    assert statuses(ask, ids) == {"todo": 5}
    async with database.system_transaction(REASON) as session:
        await switches.resume(session, "market", US)
    all_are(ask, ids, "succeeded")


async def _purge_leaves_what_runs_alone(ask, database):
    running = enqueue(ask, "market.sell", 2, seconds=1.0)
    all_are(ask, running, "doing")
    async with database.system_transaction(REASON) as session:
        await switches.pause(session, "market", US)
    waiting = enqueue(ask, "market.sell", 500)
    assert await switches.purge(database, "market", US) == 500
    async with database.system_transaction(REASON) as session:
        await switches.resume(session, "market", US)
    assert statuses(ask, waiting) == {}
    all_are(ask, running, "succeeded")


async def _abort_ends_what_runs_within_a_moment(ask, database):
    (job_id,) = enqueue(ask, "market.sell", 1, seconds=30.0)
    all_are(ask, [job_id], "doing")
    async with database.system_transaction(REASON) as session:
        await controls.abort(session, job_id, US)
    all_are(ask, [job_id], "aborted")


async def _results_are_there_and_then_gone(ask, database):
    (job_id,) = enqueue(ask, "market.tell", 1)
    all_are(ask, [job_id], "succeeded")
    async with database.system_transaction(REASON) as session:
        assert (await history.get_job(session, job_id)).result == {"number": 1}
    ask("update job_results set expires_at = now() where job_id = %s", job_id)
    async with database.system_transaction(REASON) as session:
        for sweep in pruning.SWEEPS:
            await sweep.run(session)
    assert ask("select count(*) from job_results where job_id = %s", job_id) == [(0,)]


async def _a_rate_holds_across_both_workers(ask, database):
    async with database.system_transaction(REASON) as session:
        await limits.set_limit(session, "outside", rate_per_s=10, burst=2)
    ids = enqueue(ask, "market.call", 14)
    all_are(ask, ids, "succeeded")
    ((count, seconds),) = ask(
        "select count(*), extract(epoch from max(at) - min(at))::float8 from ledger where what = 'called'"
    )
    assert count == 14
    assert seconds >= (14 - 2) / 10 - 0.1
    assert ask("select max(attempts) from procrastinate_jobs where id = any(%s)", ids) == [(1,)]


async def _so_does_a_number_at_once(ask, database):
    async with database.system_transaction(REASON) as session:
        await limits.set_limit(session, "narrow", max_running=2)
    ask("truncate ledger")
    ids = enqueue(ask, "market.sell", 8, key="narrow", seconds=0.1)
    all_are(ask, ids, "succeeded")
    rows = ask("select what from ledger order by at")
    at_once = most = 0
    for (what,) in rows:
        at_once += 1 if what == "began" else -1
        most = max(most, at_once)
    assert most <= 2


def _another_tenants_job_does_not_wait_for_a_great_pile(ask):
    great, small = uuid4(), UUID(int=1)
    enqueue(ask, "market.sell", 20_000, workspace_id=str(great))
    ask("truncate ledger")
    (job_id,) = enqueue(ask, "market.sell", 1, workspace_id=str(small))
    all_are(ask, [job_id], "succeeded")
    ((before,),) = ask(
        "select count(*) from procrastinate_jobs where args->>'workspace_id' = %s and status = 'todo'",
        str(great),
    )
    assert before > 10_000
    ask("delete from procrastinate_jobs where status = 'todo'")


def _a_job_past_its_expiry_is_not_run(ask):
    ids = enqueue(ask, "market.sell", 2)
    late = ask(
        "insert into procrastinate_jobs (queue_name, task_name, args, x_expires_at)"
        " values ('market', 'market.sell', '{\"number\": 0}', now() - interval '1 s') returning id"
    )[0]
    all_are(ask, ids, "succeeded")
    all_are(ask, list(late), "cancelled")


async def _a_drained_worker_leaves_and_the_other_goes_on(market, ask, database):
    async with database.system_transaction(REASON) as session:
        assert len(await switches.drain(session, "one", US)) == 1
    one, two = market.processes
    assert one.wait(20) == 0
    assert two.poll() is None
    ids = enqueue(ask, "market.sell", 3)
    all_are(ask, ids, "succeeded")
    assert ask("select name from worker_info") == [("two",)]
