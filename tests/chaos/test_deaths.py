"""Workers that die, are stopped, or are told to end."""

import os
import random
import signal
import time

from socialsync.queue.rescue import MOST_KILLS
from tests.chaos.conftest import measured, wait_for


def test_a_killed_workers_jobs_run_in_the_other_one(works):
    first, second = works.crew(2)
    works.steady()
    ids = works.defer("work", 6, seconds=60, again_seconds=0.01)
    begun = wait_for(lambda: len(found := works.started(ids)) == len(ids) and found, "the start of all")
    victim = begun[ids[0]]
    killed = [job_id for job_id, pid in begun.items() if pid == victim]
    other = second if victim == first else first
    at = time.monotonic()
    works.kill(victim)
    wait_for(
        lambda: all(works.started(killed)[job_id] == other for job_id in killed),
        "the rescue", tell=works.tell,
    )  # fmt: skip
    took = time.monotonic() - at
    measured(f"rescued {len(killed)} jobs of a killed worker after {took:.2f} s")
    assert took <= 6
    wait_for(lambda: {j.status for j in works.jobs(killed)} == {"succeeded"}, "their success")
    assert {(job.x_kills, job.attempts) for job in works.jobs(killed)} == {(1, 1)}
    works.buried()


def test_poison_fails_with_its_story_and_every_job_beside_it_succeeds(works):
    pids = works.crew(2)
    (poison,) = works.defer("poison")
    works.defer("work", 8, seconds=0.5)
    for _ in range(MOST_KILLS):
        dead = wait_for(
            lambda: [pid for pid in pids if works.nursery.status(pid) is not None], "a death", tell=works.tell
        )
        for pid in dead:
            pids.remove(pid)
            pids.append(works.start())
    works.settle()
    (job,) = works.jobs([poison])
    assert (job.status, job.x_kills, job.attempts) == ("failed", MOST_KILLS, 1)
    assert "Poison: its process died 3 times" in job.error
    assert {job.status for job in works.jobs() if job.id != poison} == {"succeeded"}
    works.buried()
    works.stop()
    works.audit()


def test_whatever_is_killed_again_and_again_every_job_is_finished_once(works, thorough):
    kills, load = (100, 60) if thorough else (6, 25)
    chance = random.Random(3)  # noqa: S311 # always the same victims
    pids = works.crew(3, concurrency=20)
    slid = 0
    for round_ in range(kills):
        works.defer("work", load, seconds=0.01)
        works.defer("work", load // 2, seconds=0.02, locks=5)
        works.defer("retry", load // 5)
        works.defer("wait", load // 5)
        for _ in range(3):
            slid += 1
            works.slide(10, slid)
        victim = chance.choice(pids)
        _feed_until_it_works(works, victim)
        works.kill(victim)
        pids[pids.index(victim)] = works.start(concurrency=20)
        if round_ % 10 == 9:
            wait_for(lambda: works.left() < 5_000, "most of it", 120)
    works.settle(300 if thorough else 40)
    works.buried()
    works.stop()
    works.audit()
    odd = [job for job in works.jobs() if job.status == "failed"]
    assert all(job.x_kills == MOST_KILLS and job.error.startswith("Poison") for job in odd)
    works.ask("delete from procrastinate_jobs where status = 'failed'")
    works.all_succeeded()
    assert {job.attempts for job in works.jobs() if job.task_name == "chaos.retry"} == {2}
    assert {job.attempts for job in works.jobs() if job.task_name == "chaos.wait"} == {1}
    lanes = works.ask(
        "select max((args->>'n')::int) from procrastinate_jobs"
        " where queueing_lock is not null and status = 'succeeded' group by queueing_lock"
    )
    assert lanes == [(slid,)] * 10, "the last word on each lane was done"
    ((runs,),) = works.ask("select count(*) from ledger where what = 'started'")
    measured(f"{kills} kills, {len(works.jobs())} jobs, {runs} runs, {len(odd)} thrice unlucky")


def _feed_until_it_works(works, pid: int) -> None:
    """The others may have done everything before this one, just born, could claim."""

    def worked() -> bool:
        if works.ask("select 1 from ledger where pid = %(pid)s limit 1", pid=pid):
            return True
        works.defer("work", 5, seconds=0.01)
        return False

    wait_for(worked, "work", tell=works.tell)


def test_what_a_stopped_process_finishes_late_is_not_stored(works):
    first, second = works.crew(2, concurrency=1)
    ids = works.defer("work", 2, seconds=5.0, again_seconds=0.01)  # neither ends before both have begun
    begun = wait_for(lambda: len(found := works.started(ids)) == 2 and found, "the start of both")
    late = next(job_id for job_id, pid in begun.items() if pid == first)
    os.kill(first, signal.SIGSTOP)
    works.ask(
        "update procrastinate_workers set last_heartbeat = now() - interval '40 s' where id ="
        " (select worker_id from worker_info where pid = %(pid)s)",
        pid=first,
    )
    wait_for(lambda: works.jobs([late])[0].status == "succeeded", "its run elsewhere", tell=works.tell)
    told = works.ask("select worker, result from job_results where job_id = %(id)s", id=late)
    os.kill(first, signal.SIGCONT)
    wait_for(lambda: "nothing stored" in works.log(first) or "cancelled" in _story(works, late), "the fence")
    works.ready(first, second)
    works.defer("work", 4)
    works.settle()
    assert works.ask("select worker, result from job_results where job_id = %(id)s", id=late) == told
    works.buried()
    works.stop()
    works.audit()
    assert works.jobs([late])[0].x_kills == 1


def _story(works, job_id: int) -> list[str]:
    rows = works.ask("select what from ledger where job_id = %(id)s order by at", id=job_id)
    return [row.what for row in rows]


def test_sigterm_lets_jobs_end_and_claims_no_other_and_a_second_one_gives_them_back(works):
    (pid,) = works.crew(1, concurrency=1)
    short, waiting = works.defer("work", 2, seconds=0.5, again_seconds=0.01)
    wait_for(lambda: works.started([short]), "the start")
    os.kill(pid, signal.SIGTERM)
    assert works.nursery.status(pid, 20) == 0, works.tell()
    assert [job.status for job in works.jobs([short, waiting])] == ["succeeded", "todo"]

    works.ask("update procrastinate_jobs set args = '{\"seconds\": 60}' where id = %(id)s", id=waiting)
    (pid,) = works.crew(1, concurrency=1)
    wait_for(lambda: works.started([waiting]), "the start")
    os.kill(pid, signal.SIGTERM)
    wait_for(lambda: "Draining" in works.log(pid), "the draining")
    os.kill(pid, signal.SIGTERM)
    assert works.nursery.status(pid, 20) == 0, works.tell()
    (job,) = works.jobs([waiting])
    assert (job.status, job.attempts, job.x_kills) == ("todo", 0, None)
    assert works.ask("select id from procrastinate_workers") == []


def test_a_job_that_holds_the_interpreter_ends_with_its_process_and_alone(works):
    _culprit_and_innocents(works, "block", 1, "Timeout (")


def test_a_job_that_swallows_cancellation_condemns_its_process(works):
    _culprit_and_innocents(works, "swallow", 75, "Condemned")


def test_a_job_that_blocks_the_loop_is_found_out_and_alone_to_blame(works):
    patience = {**works.patience, "deaf_after": 4.0}
    _culprit_and_innocents(works, "deafen", 75, "A job blocks the process", patience=patience)


def test_a_job_that_blocks_the_loop_from_the_start_of_its_worker_ends_it(works):
    (culprit,) = works.defer("numb")
    first = works.start(patience={**works.patience, "deaf_after": 4.0})
    assert works.nursery.status(first, 30) == 75, works.tell()
    works.crew(1)
    works.settle()
    (job,) = works.jobs([culprit])
    assert (job.status, job.attempts) == ("failed", 1)
    works.buried()
    works.stop()


def _culprit_and_innocents(works, task: str, status: int, said: str, **given) -> None:
    first, *_ = works.crew(1, **given)
    (culprit,) = works.defer(task)
    innocents = works.defer("work", 3, seconds=60, again_seconds=0.01)
    wait_for(lambda: len(works.started([culprit, *innocents])) == 4, "the start of all", tell=works.tell)
    second, *_ = works.crew(1)
    at = time.monotonic()
    assert works.nursery.status(first, 20) == status, works.tell()
    ended = time.monotonic() - at
    assert said in works.log(first)
    works.settle()
    later = time.monotonic() - at - ended
    measured(f"{task}: the process ended after {ended:.1f} s, its innocent jobs {later:.1f} s later")
    (job,) = works.jobs([culprit])
    assert (job.status, job.attempts) == ("failed", 1)
    assert job.error.startswith("HardTimeLimitExceeded")
    assert set(works.started(innocents).values()) == {second}
    assert {(job.status, job.attempts, job.x_kills) for job in works.jobs(innocents)} == {
        ("succeeded", 1, None)
    }
    works.buried()
    works.stop()
    works.audit()
