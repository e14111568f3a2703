"""Postgres that goes away under load, in every way it has. Workers stay, and no job runs twice for it."""

import contextlib
import itertools
import time

import psycopg
import pytest

from tests.chaos.conftest import let_in, measured, wait_for

TERMINATE = """
select count(pg_terminate_backend(pid)) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid()
"""


def load(works, count: int) -> None:
    works.defer("work", count, seconds=0.02)
    works.defer("work", count // 4, seconds=0.05, locks=7)
    works.defer("retry", count // 10)
    works.defer("wait", count // 10)


def under_way(works) -> None:
    """Wait until jobs run and some have ended."""
    wait_for(
        lambda: works.ask(
            "select 1 where exists (select from procrastinate_jobs where status = 'doing')"
            " and (select count(*) from ledger where what = 'ended') > 20"
        ),
        "work", tell=works.tell,
    )  # fmt: skip


def nothing_happened(works, pids: list[int]) -> None:
    works.settle(60 + works.left() / 50)  # jobs of one lock run one after the other
    works.ready(*pids)
    assert works.alive() == pids
    works.stop()
    works.audit()
    works.all_succeeded()
    again = works.ask(
        "select job_id, count(*) as n from ledger where what = 'ended' group by job_id having count(*) > 1"
    )
    assert again == [], "jobs whose run had ended ran again"
    assert works.ask("select id from procrastinate_jobs where x_kills > 0") == []


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_postgres_restarts_under_load_and_every_job_is_finished_once(restartable, own_server, thorough, mode):
    works = restartable
    pids = works.crew(2, concurrency=10)
    for _ in range(5 if thorough else 1):
        load(works, 2_000 if thorough else 200)
        under_way(works)
        let_in(own_server)
        at = time.monotonic()
        own_server._run(
            "pg_ctl", "restart", "--wait", "--mode", mode, "-D", str(own_server.data),
            "-l", str(own_server.log),
        )  # fmt: skip
        down = time.monotonic() - at
        works.ready(*pids)
        works.settle(60)
        measured(f"{mode}: away for {down:.1f} s, all jobs ended {time.monotonic() - at - down:.1f} s later")
    nothing_happened(works, pids)


def test_all_backends_are_terminated_again_and_again_under_load(works, thorough):
    pids = works.crew(2, concurrency=10)
    for _ in range(50 if thorough else 3):
        load(works, 500 if thorough else 60)
        wait_for(
            lambda: works.ask("select 1 from procrastinate_jobs where status = 'doing'"), "work",
            tell=works.tell,
        )  # fmt: skip
        wait_for(lambda: works.ask(TERMINATE) != [(0,)], "somebody to terminate")
    nothing_happened(works, pids)


def test_workers_wait_while_all_connection_slots_are_taken(restartable, own_server, thorough):
    works = restartable
    pids = works.crew(2, concurrency=10)
    load(works, 500 if thorough else 150)
    under_way(works)
    with contextlib.ExitStack() as taken:
        first = taken.enter_context(psycopg.connect(works.urls.owner, autocommit=True))
        first.execute(TERMINATE)
        for number in itertools.count():
            try:
                other = psycopg.connect(works.urls.owner, autocommit=True)
            except psycopg.OperationalError:  # too many clients already
                break
            taken.enter_context(other)
            if number % 5 == 0:
                first.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where application_name like 'socialsync%' or usename <> session_user"
                )
        wait_for(
            lambda: all("Cut off from Postgres" in works.log(pid) for pid in pids), "their noticing", 20,
            tell=works.tell,
        )  # fmt: skip
        time.sleep(20 if thorough else 0.5)  # it lasts
    at = time.monotonic()
    works.settle(60)
    measured(f"slots full: all jobs ended {time.monotonic() - at:.1f} s after there was room again")
    nothing_happened(works, pids)


def test_a_server_that_only_reads_for_a_while_as_in_a_fail_over_stops_nobody(restartable, thorough):
    works = restartable
    pids = works.crew(2, concurrency=10)
    load(works, 500 if thorough else 100)
    under_way(works)
    works.ask("alter role socialsync_app set default_transaction_read_only = on")
    try:
        works.ask(f"set default_transaction_read_only = off; {TERMINATE}")
        wait_for(lambda: all(said(works, pid) for pid in pids), "their noticing", 20, tell=works.tell)
    finally:
        works.ask("alter role socialsync_app reset default_transaction_read_only")
    nothing_happened(works, pids)


def said(works, pid: int) -> bool:
    return "read-only transaction" in works.log(pid)
