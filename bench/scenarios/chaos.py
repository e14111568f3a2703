"""What becomes of jobs when workers, connections and Postgres itself are killed.

The faults are those of the independent benchmark hardbyte/postgresql-job-queue-benchmarking, written anew.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg

from bench.feeding import Feeder
from bench.figures import number, percent
from bench.ground import Connection
from bench.options import Options
from bench.processes import Process
from bench.progress import step
from bench.reports import Report, Table
from bench.rivals.contract import QUEUE
from bench.rivals.procrastinates import Ours, Procrastinate, Stock
from bench.scenarios.lineup import Lineup

MEANING = (
    "Two workers (concurrency 12) run jobs of 300 ms that arrive at 50 a second, so that one alone is not"
    " quite enough, before, during and after each fault. Recovered: the share of all jobs that succeeded"
    " at most 60 s after the last was enqueued. Doubled: jobs that were finished twice. Run again: jobs"
    " that were started more than once, because their worker died or lost its connection. They were"
    " given back at most so long after their start, and started again after (median / most). Pause: the"
    " longest time without any job finishing."
)
RATE, MS, CONCURRENCY = 50, 300, 12
BEFORE, AFTER = 2.0, 2.0
PATIENCE = 60.0
BURST = 5_000
_STEP = 0.5
_DEFER = """
select count(*) from unnest(procrastinate_defer_jobs_v1(array(
    select row(%s, 'bench.work', 0, null, null, jsonb_build_object('ms', %s::int), null
    )::procrastinate_job_to_defer_v1
    from generate_series(%s::bigint, %s::bigint)
)))
"""
_ALL_ENDED = """
select not exists (
    select from procrastinate_jobs where queue_name = 'bench' and status in ('todo', 'doing'))
"""
_SUMMARY = """
with each as (
    select job.id, job.status, count(*) filter (where type = 'started') as starts,
        count(*) filter (where type = 'succeeded') as ends,
        max(at) filter (where type = 'started') - min(at) filter (where type = 'started') as between_starts,
        min(at) filter (where type = 'deferred_for_retry') - min(at) filter (where type = 'started') as back
    from procrastinate_jobs job join procrastinate_events event on event.job_id = job.id
    where queue_name = 'bench'
    group by job.id
)
select count(*), count(*) filter (where status = 'succeeded'), count(*) filter (where ends > 1),
    count(*) filter (where starts > 1),
    extract(epoch from percentile_disc(0.5) within group (order by between_starts)
        filter (where starts > 1))::float,
    extract(epoch from max(between_starts) filter (where starts > 1))::float,
    extract(epoch from max(back))::float
from each
"""
_PAUSE = """
select coalesce(extract(epoch from max(gap))::float, 0) from (
    select at - lag(at) over (order by at) as gap from procrastinate_events where type = 'succeeded'
) gaps
"""
_LEFT = """
select status::text, count(*) from procrastinate_jobs
where queue_name = 'bench' and status <> 'succeeded' group by 1
"""
_TERMINATE = """
select count(pg_terminate_backend(pid)) from pg_stat_activity
where datname = current_database() and application_name <> 'bench'
"""


@dataclass
class Stage:
    """What a fault acts on."""

    rival: Procrastinate
    workers: list[Process] = field(default_factory=list)
    seconds: float = 5.0

    def start(self) -> None:
        self.workers.append(self.rival.worker(concurrency=CONCURRENCY))

    def stop(self) -> None:
        for worker in self.workers:
            worker.stop()


def a_killed_worker(stage: Stage) -> None:
    stage.workers.pop(0).kill()
    time.sleep(stage.seconds)


def repeated_kills(stage: Stage) -> None:
    """Kill one and start another, every other second."""
    for _ in range(max(1, round(stage.seconds))):
        stage.workers.pop(0).kill()
        stage.start()
        time.sleep(2)


def postgres_restarted(stage: Stage) -> None:
    stage.rival.ground.server.stop()
    stage.rival.ground.server.ensure_running()


def postgres_crashed(stage: Stage) -> None:
    stage.rival.ground.crash()
    stage.rival.ground.server.ensure_running()


def killed_backends(stage: Stage) -> None:
    """All of the workers' sessions, twice a second."""
    with stage.rival.ground.connect(stage.rival.database) as connection:
        for _ in range(max(1, round(stage.seconds / _STEP))):
            connection.execute(_TERMINATE)
            time.sleep(_STEP)


def connection_slots_full(stage: Stage) -> None:
    """Nobody can connect, and the workers' sessions are gone."""
    with ExitStack() as stack:
        owner = stack.enter_context(stage.rival.ground.connect(stage.rival.database))
        owner.execute(_TERMINATE)
        try:
            while True:
                stack.enter_context(stage.rival.ground.connect("postgres"))
        except psycopg.OperationalError:
            time.sleep(stage.seconds)


def idle_in_transaction(stage: Stage) -> None:
    """A transaction with an id of its own does nothing and ends nothing."""
    with stage.rival.ground.connect(stage.rival.database) as connection:
        connection.execute("begin")
        connection.execute("select pg_current_xact_id()")
        time.sleep(stage.seconds)


def event_burst(stage: Stage) -> None:
    """Many jobs at once."""
    stage.rival.defer(BURST, "bench.work", '{"ms": 0}')


FAULTS: dict[str, Callable[[Stage], None]] = {
    "worker killed (kill -9), not replaced": a_killed_worker,
    "a worker killed and replaced every 2 s": repeated_kills,
    "Postgres restarted (fast)": postgres_restarted,
    "Postgres crashed (immediate)": postgres_crashed,
    "all backends killed, twice a second": killed_backends,
    "connection slots full": connection_slots_full,
    "idle in transaction": idle_in_transaction,
    f"burst of {BURST:,} jobs": event_burst,
}
NOTES = [
    (
        "Suspects (jobs whose process died) run one at a time in each process, by design:"
        " twelve of 300 ms need some seconds more than they would side by side."
    ),
    (
        "stock procrastinate runs the same with `--full`: its stalled jobs are nobody's, so it never"
        " recovers some."
    ),
]


def measure(lineup: Lineup, options: Options) -> Report:
    kinds: list[type[Procrastinate]] = [Ours]
    if lineup.has(Stock) and (options.full or "procrastinate" in options.only):
        kinds.append(Stock)
    notes = list(NOTES)
    table = Table(
        ["", "jobs", "recovered", "doubled", "run again", "given back after", "again after", "pause"]
    )
    data: dict[str, Any] = {}
    for kind in kinds:
        for fault, inflict in FAULTS.items():
            if not (options.wants(fault) or options.wants(kind.name)):
                continue
            label = f"{kind.name}: {fault}"
            rival = lineup.get(kind)
            found = play(rival, label, inflict, options.seconds(5, 10))
            left = rival.connection.execute(_LEFT).fetchall()
            notes += [f"{label}: {count} jobs were left as `{status}`." for status, count in left]
            data[label] = {"figures": found, "left": left}
            table.rows.append([label, *_words(*found)])
    return Report("chaos", MEANING, [table], notes, data)


def play(
    rival: Procrastinate, label: str, inflict: Callable[[Stage], None], seconds: float
) -> tuple[float, ...]:
    """One fault in the middle of steady work; the figures of the summary and the longest pause."""
    rival.reset()
    stage = Stage(rival, seconds=seconds)
    with _working(stage), step(f"chaos: {label}"):
        with Feeder(lambda: rival.ground.connect(rival.database), RATE, _defer, patient=True):
            time.sleep(BEFORE)
            inflict(stage)
            rival.close()  # its connection may be broken
            time.sleep(AFTER)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and not _asked(rival, _ALL_ENDED)[0]:
            time.sleep(0.2)
    return (*_asked(rival, _SUMMARY), *_asked(rival, _PAUSE))


@contextmanager
def _working(stage: Stage) -> Iterator[None]:
    """Two workers that have both begun."""
    try:
        stage.start()
        stage.start()
        _defer(stage.rival.connection, 1, 4 * CONCURRENCY)
        deadline = time.monotonic() + PATIENCE
        while not _asked(stage.rival, _ALL_ENDED)[0] and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(1)
        stage.rival.reset_jobs()
        yield
    finally:
        stage.stop()


def _defer(connection: Connection, first: int, last: int) -> None:
    connection.execute(_DEFER, [QUEUE, MS, first, last])


def _asked(rival: Procrastinate, statement: str) -> tuple[Any, ...]:
    row = rival.connection.execute(statement.encode()).fetchone()
    assert row is not None
    return row


def _words(*found: Any) -> list[str]:
    jobs, succeeded, doubled, again, typical, most, back, pause = found
    after = "" if most is None else f"{number(typical)} / {number(most)} s"
    given_back = "" if back is None else f"{number(back)} s"
    counts = [number(jobs), percent(succeeded / jobs), str(doubled), str(again)]
    return [*counts, given_back, after, f"{number(pause)} s"]
