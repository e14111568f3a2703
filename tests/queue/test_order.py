"""The order of claims is procrastinate's: the same random workloads through its fetch and through ours."""

import asyncio
import json
from collections import defaultdict
from dataclasses import asdict, dataclass

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import cluster
from tests.conftest import urls_of
from tests.doses import examples

TASKS = ["mine.task"]


@dataclass(frozen=True)
class Job:
    queue: str
    priority: int
    lock: str | None
    due_in: int | None
    """Seconds from now; None is an immediate job."""


WORKLOADS = st.lists(
    st.builds(
        Job,
        queue=st.sampled_from("ab"),
        priority=st.integers(-1, 1),
        lock=st.sampled_from([None, None, "x", "y"]),
        due_in=st.sampled_from([None, None, None, -60, -5, 3600]),
    ),
    max_size=12,
)


class Claimer:
    """A worker that claims and ends jobs on a connection of its own."""

    def __init__(self, connection):
        self.connection = connection
        ((self.id,),) = connection.execute("select queue_register(false)").fetchall()
        connection.execute(
            "insert into worker_info (worker_id, name, host, pid, concurrency, version, leased, started_at)"
            " values (%s, 'w', 'h', 1, 1, '0', false, now())",
            (self.id,),
        )

    def claim(self, wanted=1, *, queues=None, tasks=TASKS, bulk=(), bulk_wanted=0, most_kills=9, after=""):
        rows = self.connection.execute(
            "select id, limit_key from queue_claim(%s, %s::text[], %s::text[], %s::text[], %s, %s, %s, 0, %s,"
            " %s) where id is not null",
            (self.id, queues, tasks, list(bulk), wanted, bulk_wanted, most_kills > 0, after, most_kills),
        ).fetchall()
        self.after = rows[-1][1] if rows else after
        return [row[0] for row in rows]

    def finish(self, ids, outcome="succeeded"):
        nothing = [None] * len(ids)
        rows = self.connection.execute(
            "select queue_finish(%s, %s, %s, %s::timestamptz[], %s::integer[], %s::text[], %s::text[], %s,"
            " '{}', '{}', '{}', '{}', '{}', '{}', 'w')",
            (self.id, ids, [outcome] * len(ids), nothing, nothing, nothing, nothing, [True] * len(ids)),
        )
        return sorted(row[0] for row in rows)


@pytest.fixture(scope="module")
def own(server, template):
    """A database of this module's own."""
    with cluster.created(server, template) as name:
        yield urls_of(server, name).app


@pytest.fixture
def connection(own):
    with psycopg.connect(own, autocommit=True) as connection:
        empty(connection)
        yield connection


def empty(connection) -> None:
    connection.execute(
        "delete from procrastinate_jobs; delete from procrastinate_workers; delete from limits;"
        " delete from queue_settings"
    )


def enqueue(connection, jobs, **columns) -> list[int]:
    """Their ids, in order."""
    values = [asdict(job) for job in jobs]
    extra = "".join(f", {name}" for name in columns)
    given = "".join(f", {value}" for value in columns.values())
    rows = connection.execute(
        f"insert into procrastinate_jobs (queue_name, task_name, priority, lock, scheduled_at{extra})"  # noqa: S608
        f" select queue, 'mine.task', priority, lock, now() + due_in * interval '1 s'{given}"
        " from jsonb_to_recordset(%s::jsonb) as job(queue text, priority int, lock text, due_in int)"
        " returning id",
        (json.dumps(values),),
    )
    return [row[0] for row in rows]


def by_the_library(connection) -> list[int]:
    order = []
    worker = connection.execute("insert into procrastinate_workers default values returning id").fetchone()[0]
    while True:
        (job_id,) = connection.execute(
            "select id from procrastinate_fetch_job_v2(null, %s)", (worker,)
        ).fetchone()
        if job_id is None:
            return order
        connection.execute("select procrastinate_finish_job_v1(%s, 'succeeded', false)", (job_id,))
        order.append(job_id)


def by_us(connection) -> list[int]:
    claimer, order = Claimer(connection), []
    while claimed := claimer.claim():
        assert claimer.finish(claimed) == claimed
        order += claimed
    return order


@settings(
    max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(WORKLOADS)
def test_one_at_a_time_the_order_is_the_librarys(connection, workload):
    empty(connection)
    first = enqueue(connection, workload)
    stock = [first.index(job_id) for job_id in by_the_library(connection)]
    empty(connection)
    second = enqueue(connection, workload)
    assert [second.index(job_id) for job_id in by_us(connection)] == stock


@settings(
    max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(WORKLOADS, st.integers(1, 5))
def test_many_at_a_time_no_lock_is_held_twice_and_nothing_lower_is_taken_before(connection, workload, wanted):
    empty(connection)
    ids = enqueue(connection, workload)
    jobs = dict(zip(ids, workload, strict=True))
    claimer, done = Claimer(connection), []
    while claimed := claimer.claim(wanted):
        assert len(claimed) <= wanted
        locks = [jobs[job_id].lock for job_id in claimed if jobs[job_id].lock]
        assert len(locks) == len(set(locks))
        left = [job for job_id, job in jobs.items() if job_id not in {*claimed, *done}]
        free = [job.priority for job in left if job.lock is None and (job.due_in or -1) < 0]
        if free:
            assert len(claimed) == wanted
            assert max(free) <= min(jobs[job_id].priority for job_id in claimed)
        done += claimer.finish(claimed)
    for lock in "xy":
        ours = [job_id for job_id in done if jobs[job_id].lock == lock]
        assert ours == sorted(ours, key=lambda job_id: (-jobs[job_id].priority, job_id))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(WORKLOADS, min_size=6, max_size=10))
def test_many_claimers_at_once_run_every_job_once_and_every_lock_in_order(own, connection, workloads):
    empty(connection)
    workload = [job for workload in workloads for job in workload if (job.due_in or -1) < 0]
    jobs = dict(zip(enqueue(connection, workload), workload, strict=True))

    def work() -> None:
        with psycopg.connect(own, autocommit=True) as mine:
            claimer, idle = Claimer(mine), 0
            while idle < 3:
                claimed = claimer.claim(3)
                idle = 0 if claimed else idle + 1
                assert claimer.finish(claimed) == sorted(claimed)

    async def all_of_them() -> None:
        await asyncio.gather(*(asyncio.to_thread(work) for _ in range(4)))

    asyncio.run(all_of_them())
    for job_id in by_us(connection):  # what somebody's last look missed because of a lock
        assert jobs[job_id].lock
    rows = connection.execute(
        "select job_id from procrastinate_events where type = 'started' order by id"
    ).fetchall()
    started = [job_id for (job_id,) in rows]
    assert sorted(started) == sorted(jobs)
    per_lock = defaultdict(list)
    for job_id in started:
        per_lock[jobs[job_id].lock].append(job_id)
    for lock in {"x", "y"} & per_lock.keys():
        assert per_lock[lock] == sorted(per_lock[lock], key=lambda job_id: (-jobs[job_id].priority, job_id))


def test_a_lock_held_in_a_queue_that_nobody_serves_holds_nobody(connection):
    (_, served) = enqueue(connection, [Job("nobody", 0, "x", None), Job("a", 0, "x", None)])
    claimer = Claimer(connection)
    connection.execute("update worker_info set queues = array['a']")
    assert claimer.claim(queues=["a"]) == [served]


def test_a_lock_waited_for_in_a_queue_that_another_worker_serves_holds(connection):
    enqueue(connection, [Job("b", 0, "x", None), Job("a", 0, "x", None)])
    ours = Claimer(connection)
    connection.execute("update worker_info set queues = array['a']")
    Claimer(connection)
    connection.execute("update worker_info set queues = array['b'] where queues is null")
    assert ours.claim(queues=["a"]) == []


def test_a_hundred_thousand_jobs_of_one_lock_hold_up_no_other_lock(connection):
    enqueue(connection, [Job("a", 0, "x", None)] * 400)
    (other,) = enqueue(connection, [Job("a", 0, "y", None)])
    claimer = Claimer(connection)
    seen = [job_id for _ in range(3) for job_id in claimer.claim(10)]
    assert len(seen) == 2
    assert other in seen


def test_any_number_of_blocked_priorities_hides_nothing_below(connection):
    enqueue(connection, [Job("a", 100, "x", None)])
    claimer = Claimer(connection)
    assert len(claimer.claim()) == 1
    enqueue(connection, [Job("a", priority, "x", None) for priority in range(1, 40)])
    (low,) = enqueue(connection, [Job("a", 0, None, None)])
    assert claimer.claim() == [low]


def test_any_number_of_locks_that_wait_for_their_time_hides_no_ready_one(connection):
    enqueue(connection, [Job("a", 0, "x:pile", None)] * 150)
    claimer = Claimer(connection)
    assert len(claimer.claim(1)) == 1
    enqueue(connection, [Job("a", 0, f"m:{number}", 3600) for number in range(500)])
    (ready,) = enqueue(connection, [Job("a", 0, "x:ready", None)])
    assert claimer.claim(10) == [ready]


@pytest.mark.parametrize("limit", ["max_running = 1", "blocked_until = now() + interval '1 hour'"])
def test_a_suspect_keeps_to_the_limits_of_its_key(connection, limit):
    enqueue(connection, [Job("a", 0, None, None)], x_limit_key="'k'")
    claimer = Claimer(connection)
    assert len(claimer.claim()) == 1
    connection.execute("insert into limits (key) values ('k')")
    connection.execute(f"update limits set {limit}")  # noqa: S608 # of the list above
    enqueue(connection, [Job("a", 0, None, None)], x_limit_key="'k'", x_kills="1")
    assert claimer.claim(5) == []


def test_a_due_job_whose_row_is_held_is_not_looked_for_without_pause(own, connection):
    enqueue(connection, [Job("a", 0, None, -5)])
    claimer = Claimer(connection)
    with psycopg.connect(own) as another:
        another.execute("select from procrastinate_jobs for update")
        again_in = connection.execute(
            "select again_in from queue_claim(%s, null, %s::text[], '{}', 1, 0, true, 0, '')",
            (claimer.id, TASKS),
        ).fetchone()[0]
        assert again_in >= 0.1


def test_keys_take_turns_and_a_great_pile_of_one_does_not_starve_another(connection):
    enqueue(connection, [Job("a", 0, None, None)] * 300, x_limit_key="'workspace:great'")
    small = enqueue(connection, [Job("a", 0, None, None)] * 2, x_limit_key="'workspace:small'")
    claimer = Claimer(connection)
    assert set(small) <= set(claimer.claim(10))


def test_one_at_a_time_keys_are_served_in_turn(connection):
    ids = {
        key: enqueue(connection, [Job("a", 0, None, None)] * 2, x_limit_key=f"'{key}'")
        for key in ("k", "l", "m")
    }
    claimer, order, after = Claimer(connection), [], ""
    for _ in range(6):
        order += claimer.claim(1, after=after)
        after = claimer.after
    keys = [next(key for key, own in ids.items() if job_id in own) for job_id in order]
    assert keys == ["k", "l", "m"] * 2


def test_no_more_of_a_key_run_than_its_limit_allows_whoever_claims(own, connection):
    ids = enqueue(connection, [Job("a", 0, None, None)] * 20, x_limit_key="'k'")
    (free,) = enqueue(connection, [Job("a", 0, None, None)])
    connection.execute("insert into limits (key, max_running) values ('k', 3)")
    with psycopg.connect(own, autocommit=True) as another:
        one, two = Claimer(connection), Claimer(another)
        first, second = one.claim(2), two.claim(10)
        assert sorted(first + second) == [*ids[:3], free]
        assert two.claim(10) == [] == one.claim(10)
        ended = one.finish(first)
        assert two.claim(10) == ids[3 : 3 + len(set(ended) - {free})]


def test_a_blocked_key_waits_and_the_others_do_not(connection):
    enqueue(connection, [Job("a", 5, None, None)], x_limit_key="'k'")
    (free,) = enqueue(connection, [Job("a", 0, None, None)])
    connection.execute("insert into limits (key, blocked_until) values ('k', now() + interval '1 hour')")
    claimer = Claimer(connection)
    assert claimer.claim(5) == [free]
    connection.execute("update limits set blocked_until = now()")
    assert len(claimer.claim(5)) == 1


def test_a_paused_queue_is_not_claimed_from(connection):
    enqueue(connection, [Job("a", 0, None, None)])
    connection.execute("update queue_settings set paused_at = now()")
    claimer = Claimer(connection)
    assert claimer.claim() == []
    connection.execute("update queue_settings set paused_at = null")
    assert len(claimer.claim()) == 1


def test_bulk_tasks_get_their_share_and_no_more(connection):
    enqueue(connection, [Job("a", 9, None, None)] * 10)
    connection.execute("update procrastinate_jobs set task_name = 'mine.bulk'")
    dm = enqueue(connection, [Job("a", 0, None, None)])
    claimer = Claimer(connection)
    claimed = claimer.claim(6, bulk=["mine.bulk"], bulk_wanted=3)
    assert len(claimed) == 4
    assert set(dm) <= set(claimed)
    assert claimer.claim(6, bulk=["mine.bulk"], bulk_wanted=0) == []


def test_one_suspect_at_a_time(connection):
    enqueue(connection, [Job("a", 0, None, None)] * 3, x_kills="2")
    claimer = Claimer(connection)
    assert len(claimer.claim(5)) == 1
    assert claimer.claim(5, most_kills=0) == []


def test_jobs_of_a_single_death_run_side_by_side_and_no_suspect_beside_them(connection):
    enqueue(connection, [Job("a", 0, None, None)], x_kills="2")
    once = enqueue(connection, [Job("a", 0, "x" if n == 3 else None, None) for n in range(4)], x_kills="1")
    claimer = Claimer(connection)
    assert claimer.claim(3) == once[:3]
    assert claimer.claim(5, most_kills=1) == once[3:]
    assert claimer.claim(5, most_kills=1) == []
    claimer.finish(once)
    assert len(claimer.claim(5)) == 1


def test_a_job_that_another_owns_is_not_ended(own, connection):
    (job_id,) = enqueue(connection, [Job("a", 0, None, None)])
    with psycopg.connect(own, autocommit=True) as another:
        owner, stranger = Claimer(connection), Claimer(another)
        assert owner.claim() == [job_id]
        assert stranger.finish([job_id]) == []
        assert owner.finish([job_id]) == [job_id]
        assert owner.finish([job_id]) == []


@pytest.mark.parametrize("slid", [3600, -1])
def test_a_ready_job_that_is_slid_waits_for_its_new_time(connection, slid):
    (job_id,) = enqueue(connection, [Job("a", 0, None, -5)])
    connection.execute("select queue_promote(array['a'], now(), 10)")
    connection.execute("update procrastinate_jobs set scheduled_at = now() + %s * interval '1 s'", (slid,))
    assert Claimer(connection).claim() == ([job_id] if slid < 0 else [])
