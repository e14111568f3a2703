"""How many jobs a second one worker process consumes, beside its rivals."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.figures import median, number, spread, times
from bench.options import Options
from bench.processes import Process
from bench.progress import step
from bench.reports import Report, Table
from bench.rivals.celeries import Celery
from bench.rivals.contract import Rival
from bench.rivals.pgqueuers import PgQueuer
from bench.rivals.procrastinates import Ours, SqlLimit, Stock
from bench.scenarios.lineup import Lineup

MEANING = (
    "Jobs that do nothing are enqueued beforehand; then the worker starts. Jobs a second, from the first"
    " start to the last finish as each queue itself recorded them (process start and connecting do not"
    " count). The rounds alternate between the rivals; figures are medians."
)
NOTES = [
    (
        "ours, procrastinate, PgQueuer and SQL alone use the same server with fsync and synchronous_commit"
        " on; Redis has Debian's default persistence (snapshots): it may lose minutes of jobs, Postgres none."
    ),
    (
        "ours keeps every job's row and three events, PgQueuer its log of three rows and no job, Celery a"
        " result, procrastinate what ours keeps. `returning a value` stores a result for each job too, as"
        " Celery does."
    ),
    ("Celery acknowledges early (its default): a killed worker's jobs are lost. ours never loses one."),
    ("PgQueuer's command uses uvloop; ours, procrastinate and SQL alone run on asyncio's own loop."),
]


@dataclass(frozen=True)
class Entry:
    """One line of the table: a rival with settings, and how many jobs keep it busy for a few seconds."""

    label: str
    kind: type[Rival]
    jobs: int
    settings: dict[str, Any] = field(default_factory=dict)
    task: str = "bench.noop"
    processes: int = 1


OURS = 20_000
ENTRIES: Sequence[Entry] = (
    Entry("ours, concurrency 100", Ours, OURS, {"concurrency": 100}),
    Entry("ours, concurrency 200", Ours, OURS, {"concurrency": 200}),
    Entry("ours, concurrency 300", Ours, OURS, {"concurrency": 300}),
    Entry("ours, concurrency 600", Ours, OURS, {"concurrency": 600}),
    Entry("ours, concurrency 1000", Ours, OURS, {"concurrency": 1000}),
    Entry("ours, concurrency 200, returning a value", Ours, OURS, {"concurrency": 200}, task="bench.value"),
    Entry("ours, two processes, concurrency 200", Ours, OURS, {"concurrency": 200}, processes=2),
    Entry("procrastinate, concurrency 1", Stock, 800, {"concurrency": 1}),
    Entry("procrastinate, concurrency 10", Stock, 800, {"concurrency": 10}),
    Entry("procrastinate, concurrency 100", Stock, 800, {"concurrency": 100}),
    Entry("PgQueuer, batch 10", PgQueuer, 6_000, {"batch": 10}),
    Entry("PgQueuer, batch 100", PgQueuer, 10_000, {"batch": 100}),
    Entry("Celery + Redis, prefork 2, prefetch 4", Celery, 1_500, {"prefetch": 4}),
    Entry("Celery + Redis, prefork 2, prefetch 64", Celery, 1_500, {"prefetch": 64}),
    Entry("SQL alone, our functions, batch 100", SqlLimit, OURS, {"how": "functions", "batch": 100}),
    Entry("SQL alone, our functions, batch 500", SqlLimit, OURS, {"how": "functions", "batch": 500}),
    Entry("SQL alone, bare, batch 500", SqlLimit, OURS, {"how": "bare", "batch": 500}),
)
GOALS: dict[str, tuple[type[Rival], float]] = {
    "procrastinate": (Stock, 20.0),
    "Celery + Redis": (Celery, 20.0),
    "SQL alone": (SqlLimit, 0.5),
}
PGQUEUER_GOAL = 1.8


def measure(lineup: Lineup, options: Options) -> Report:
    entries = [one for one in ENTRIES if lineup.has(one.kind) and options.wants(one.label)]
    rates: dict[str, list[float]] = {entry.label: [] for entry in entries}
    for number_of_round in range(1, options.rounds + 1):
        for entry in entries:
            rate = consume(lineup.get(entry.kind), entry, options, f"round {number_of_round}")
            rates[entry.label].append(rate)
    report = Report("consume", MEANING, notes=list(NOTES), data={"rates": rates})
    middle = {label: median(found) for label, found in rates.items()}
    ours = max((middle[one.label] for one in entries if one.kind is Ours and one.processes == 1), default=0)
    table = Table(["", "jobs/s", "worst - best round", "ours is"])
    for label, rate in middle.items():
        ratio = times(ours / rate) if ours else ""
        table.rows.append([label, number(rate), spread(rates[label]), ratio])
    report.tables = [table, _goals(entries, middle, ours)]
    report.data["goals"] = report.tables[1].rows
    return report


def consume(rival: Rival, entry: Entry, options: Options, when: str = "") -> float:
    """Fill, start workers, wait, stop them; give jobs a second."""
    count = options.jobs(entry.jobs)
    rival.reset()
    if entry.task == "bench.noop":
        rival.fill(count)
    else:
        assert isinstance(rival, Ours)
        rival.fill(count, entry.task)
    rival.ground.settle()
    workers: list[Process] = []
    try:
        with step(f"consume: {entry.label} {when}", count) as tell:
            workers += [rival.worker(**entry.settings) for _ in range(entry.processes)]
            rival.wait(count, workers, tell)
    finally:
        for worker in workers:
            worker.stop()
    return rival.rate(count)


def _goals(entries: Sequence[Entry], middle: dict[str, float], ours: float) -> Table:
    table = Table(["ours (best of one process) beside", "goal", "measured"], title="Goals")

    def best(kind: type[Rival], word: str = "") -> float:
        rates = [middle[one.label] for one in entries if one.kind is kind and word in one.label]
        return max(rates, default=0)

    for name, (kind, goal) in GOALS.items():
        word = "our functions" if kind is SqlLimit else ""
        if ours and (rate := best(kind, word)):
            table.rows.append([f"{name}, its best", f">= {times(goal)}", times(ours / rate)])
    if ours and (rate := best(PgQueuer, "batch 100")):
        table.rows.append(["PgQueuer, batch 100", f">= {times(PGQUEUER_GOAL)}", times(ours / rate)])
    two = max((middle[one.label] for one in entries if one.processes > 1), default=0)
    if ours and two:
        same = middle.get("ours, concurrency 200", ours)
        table.rows.append(["two processes, beside one with the same settings", "> 1x", times(two / same)])
    return table
