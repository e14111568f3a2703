"""Clocks that are wrong, and schedules that tick while workers come and go."""

import os
import signal
import time
from datetime import timedelta

import pytest

from tests.chaos.conftest import wait_for

OFTEN = {"name": "often", "task": "chaos.slide", "every_s": 0.2, "expires_s": 100.0, "args": {}}
TICKED = """
select floor(extract(epoch from x_expires_at - interval '100 s') / 0.2)::bigint as instant, count(*) as jobs
from procrastinate_jobs where queueing_lock = 'schedule:often' group by 1 order by 1
"""


@pytest.mark.parametrize("off_s", [3_600, -3_600], ids=["ahead", "behind"])
def test_a_worker_whose_clock_is_wrong_neither_loses_nor_doubles_nor_delays(works, off_s):
    right, wrong = works.start(timetable=[OFTEN]), works.start(clock_off_s=off_s, timetable=[OFTEN])
    works.ready(right, wrong)
    os.kill(right, signal.SIGSTOP)
    retries = works.defer("retry", 4)
    waits = works.defer("wait", 2, seconds=1.0)
    works.defer("work", 10)
    wait_for(
        lambda: {job.status for job in works.jobs(retries + waits)} == {"succeeded"}, "their end", 15,
        tell=works.hanging,
    )  # fmt: skip
    os.kill(right, signal.SIGCONT)
    ((soonest,),) = works.ask(
        "select min(began.at - waited.at) from ledger waited"
        " join ledger began on began.job_id = waited.job_id"
        " and began.what = 'started' and began.at > waited.at where waited.what = 'waits'"
    )
    assert soonest > timedelta(seconds=0.9)
    works.ready(right, wrong)
    works.stop()
    works.ask(
        "update procrastinate_jobs set status = 'cancelled'"
        " where status = 'todo' and queueing_lock is not null"
    )
    works.audit()
    assert [tick for tick in works.ask(TICKED) if tick.jobs > 1] == []


def test_a_schedule_ticks_once_an_instant_whatever_happens_to_workers(works, thorough):
    pids = works.crew(3, timetable=[OFTEN])
    for _ in range(20 if thorough else 3):
        before = len(works.ask(TICKED))
        wait_for(lambda before=before: len(works.ask(TICKED)) >= before + 3, "ticks", tell=works.tell)
        victim = pids.pop(0)
        works.kill(victim)
        pids.append(works.start(timetable=[OFTEN]))
    works.ready(*pids)
    assert {tick.jobs for tick in works.ask(TICKED)} == {1}

    for pid in pids:
        works.kill(pid)
    last = works.ask(TICKED)[-1].instant
    time.sleep(1.5)  # ticks are missed
    works.crew(1, timetable=[OFTEN])
    wait_for(lambda: works.ask(TICKED)[-1].instant > last, "the next tick", tell=works.tell)
    later = [tick.instant for tick in works.ask(TICKED) if tick.instant > last]
    assert later[0] - last >= 7
    wait_for(lambda: works.ask(TICKED)[-1].instant > later[-1] + 3, "ticking", tell=works.tell)
    works.buried()
    works.stop()
    assert {tick.jobs for tick in works.ask(TICKED)} == {1}
    odd = works.ask(
        "select status from procrastinate_jobs where status not in ('succeeded', 'cancelled', 'todo')"
        " and not (status = 'aborted' and x_kills > 0)"  # its worker was killed, and the next tick waited
    )
    assert odd == []


def test_a_tick_that_nobody_could_run_in_time_expires(works):
    entry = {**OFTEN, "expires_s": 0.5, "queue": "other", "every_s": 3_600}
    (pid,) = works.crew(1, timetable=[entry])
    wait_for(lambda: works.ask("update schedules set next_at = now() returning 1"), "the schedule")
    wait_for(works.jobs, "the tick", tell=works.tell)
    (job,) = works.jobs()
    assert job.status == "todo"
    works.kill(pid)
    wait_for(
        lambda: works.ask("select 1 from procrastinate_jobs where x_expires_at < clock_timestamp()"),
        "the time",
    )
    works.start("-q", "other")
    wait_for(lambda: works.jobs()[0].status == "cancelled", "its expiry", tell=works.tell)
    assert works.ask("select 1 from ledger") == []
