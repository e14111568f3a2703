"""A network between a worker and Postgres that stalls, and answers that are lost on it."""

import os
import signal
import time

import pytest

from tests.chaos.conftest import measured, through, wait_for

HURRIED = {
    "beat_every": 0.3, "cut_off_after": 1.5, "dead_after": 4.0, "steady_for": 0.5, "answer_within": 1.0,
}  # fmt: skip


def test_a_cut_off_worker_ends_its_jobs_itself_before_another_has_them(works, proxy, thorough):
    if not thorough:
        works.patience = HURRIED
    cut_off = works.start(url=through(proxy, works.urls))
    works.ready(cut_off)
    ids = works.defer("work", 3, seconds=120, again_seconds=0.01)
    wait_for(lambda: set(works.started(ids)) == set(ids), "their start", tell=works.tell)
    (other,) = works.crew(1)
    at = time.monotonic()
    proxy.stall()
    wait_for(lambda: _count(works, ids, "cancelled") == 3, "its cancelling", 60, tell=works.tell)
    cancelled = time.monotonic() - at
    assert set(works.started(ids).values()) == {cut_off}
    wait_for(lambda: set(works.started(ids).values()) == {other}, "the rescue", 60, tell=works.tell)
    rescued = time.monotonic() - at
    measured(f"cut off: cancelled its own after {cancelled:.1f} s, others had them after {rescued:.1f} s")
    assert cancelled < rescued < (36 if thorough else 15)
    works.settle()
    proxy.flow()
    os.kill(other, signal.SIGSTOP)
    more = works.defer("work", 3)
    wait_for(
        lambda: {job.status for job in works.jobs(more)} == {"succeeded"}, "its return", 60, tell=works.tell
    )
    assert set(works.started(more).values()) == {cut_off}
    os.kill(other, signal.SIGCONT)
    works.ready(cut_off, other)
    works.stop()
    works.audit(repeats=False)
    assert {(job.x_kills, job.attempts) for job in works.jobs(ids)} == {(1, 1)}


def test_a_worker_that_is_told_to_end_while_it_is_cut_off_ends(works, proxy, thorough):
    if not thorough:
        pytest.skip("most of it is waiting: in full doses")
    pid = works.start(url=through(proxy, works.urls))
    works.ready(pid)
    proxy.stall()
    os.kill(pid, signal.SIGTERM)
    at = time.monotonic()
    assert works.nursery.status(pid, 60) in {0, 1}, works.tell()
    measured(f"told to end while cut off: ended after {time.monotonic() - at:.1f} s")


def test_a_short_stall_is_waited_out_and_cancels_nothing(works, proxy):
    pid = works.start(url=through(proxy, works.urls))
    works.ready(pid)
    ids = works.defer("work", 50, seconds=0.1)
    wait_for(lambda: _count(works, ids, "ended") > 5, "work", tell=works.tell)
    for _ in range(3):
        proxy.stall()
        time.sleep(0.3)
        proxy.flow()
    works.settle()
    works.stop()
    works.audit(repeats=False)
    assert _count(works, ids, "cancelled") == 0


def test_broken_connections_are_made_anew_and_nothing_runs_twice(works, proxy, thorough):
    pids = [works.start(url=through(proxy, works.urls), concurrency=10) for _ in range(2)]
    works.ready(*pids)
    ids = works.defer("work", 200, seconds=0.02)
    for _ in range(20 if thorough else 2):
        wait_for(lambda: _count(works, ids, "ended") >= 20, "work", tell=works.tell)
        proxy.cut()
        works.ready(*pids)
    works.settle()
    works.stop()
    works.audit(repeats=False)


def test_a_lost_answer_of_a_claim_gives_the_jobs_back_and_they_run_once(works, proxy):
    _lose_an_answer(works, proxy, b"socialsync claims", b"chaos.work")
    assert {(job.attempts, job.x_kills) for job in works.jobs()} == {(1, None)}


def test_a_lost_answer_of_a_finish_does_not_run_the_job_again(works, proxy):
    _lose_an_answer(works, proxy, b"socialsync endings", b"queue_finish")


def _lose_an_answer(works, proxy, line: bytes, content: bytes) -> None:
    """Of a connection that calls itself so, the next answer that contains this."""
    pid = works.start(url=through(proxy, works.urls))
    works.ready(pid)
    works.defer("work", 1)
    works.settle()
    proxy.lose(line, content)
    works.defer("work", 4, seconds=0.02)
    wait_for(lambda: proxy.lost, "the loss", tell=works.tell)
    works.settle(15)
    works.stop()
    works.audit(repeats=False)
    assert works.ask("select job_id from ledger where what = 'started' group by 1 having count(*) > 1") == []


def _count(works, ids: list[int], what: str) -> int:
    ((count,),) = works.ask(
        "select count(*) from ledger where job_id = any (%(ids)s) and what = %(what)s", ids=ids, what=what
    )
    return count
