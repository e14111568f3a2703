"""How soon a job starts on an idle worker, and how close to its instant a scheduled one."""

from typing import Any

from bench.figures import median, millis, percentile
from bench.listening import Sink
from bench.options import Options
from bench.progress import step
from bench.reports import Report, Table
from bench.rivals.celeries import Celery, DurableCelery
from bench.rivals.contract import Rival
from bench.rivals.pgqueuers import PgQueuer
from bench.rivals.procrastinates import Ours, Stock
from bench.scenarios.lineup import Lineup

MEANING = (
    "An idle worker; another process enqueues one job about every 50 ms (jittered) with the moment before"
    " the call. The task tells when it started. Pickup is the time between: enqueue, commit, wake-up,"
    " claim, start. Then jobs for random instants of some seconds: how much later than its instant each"
    " started."
)
NOTES = [
    (
        "Every enqueuer uses its library's ordinary call (`defer_async`, `enqueue`, `apply_async`) on a"
        " connection that is open already. Workers run with: ours concurrency 100, procrastinate 10, PgQueuer"
        " batch 10, Celery prefork 2 with prefetch 4."
    ),
    (
        "Redis has Debian's default persistence: what was enqueued since its last snapshot is lost with it,"
        " and what a killed worker ran with the worker. `durable` loses neither, as ours: Redis writes each"
        " command to the disk before it answers, and jobs are acknowledged when they have ended (prefetch 1)."
    ),
]
SETTINGS: dict[type[Rival], dict[str, Any]] = {
    Ours: {"concurrency": 100},
    Stock: {"concurrency": 10},
    PgQueuer: {"batch": 10},
    Celery: {"prefetch": 4},
    DurableCelery: {"prefetch": 1},
}
_EVERY = 0.05
_WARM_UP = 10
_LATEST = 30.0
"""Seconds after which a scheduled job that did not start counts as lost."""


def measure(lineup: Lineup, options: Options) -> Report:
    count = options.jobs(60, 400)
    within = options.seconds(4, 20)
    kinds = [kind for kind in SETTINGS if lineup.has(kind) and options.wants(kind.name)]
    pickups: dict[str, list[list[float]]] = {kind.name: [] for kind in kinds}
    lates: dict[str, list[list[float]]] = {kind.name: [] for kind in kinds}
    for _ in range(options.rounds):
        for kind in kinds:
            pickup, late = one_round(lineup.get(kind), SETTINGS[kind], count, within)
            pickups[kind.name].append(pickup)
            lates[kind.name].append(late)
    return Report(
        "latency",
        MEANING,
        [
            _table("Pickup, idle worker", pickups),
            _table("Scheduled: start after the instant", lates),
        ],
        list(NOTES),
        {"pickup_s": pickups, "scheduled_late_s": lates},
    )


def one_round(
    rival: Rival, settings: dict[str, Any], count: int, within: float
) -> tuple[list[float], list[float]]:
    """Seconds of pickup, and of lateness of scheduled jobs."""
    rival.reset()
    with Sink(rival.sink) as sink, rival.worker(**settings) as worker:
        with step(f"latency: {rival.name}", count) as tell:
            rival.enqueue("latency", _WARM_UP, _EVERY)
            sink.take(_WARM_UP, within=_LATEST, check=worker.check, tell=lambda _: None)
            rival.enqueue("latency", count, _EVERY)
            pickups = sink.take(count, within=_LATEST, check=worker.check, tell=tell)
        with step(f"scheduled: {rival.name}", count) as tell:
            rival.enqueue("scheduled", count, within)
            lates = sink.take(count, within=within + _LATEST, check=worker.check, tell=tell)
    return [start.late for start in pickups], [start.late for start in lates]


def _table(title: str, found: dict[str, list[list[float]]]) -> Table:
    """Percentiles of each round; the medians of those."""
    table = Table(["", "p50", "p99", "max", "p50: ours is", "p99: ours is"], title=title)
    figures = {
        name: [median([percentile(one, share) for one in rounds]) for share in (0.5, 0.99, 1)]
        for name, rounds in found.items()
        if rounds
    }
    ours = figures.get(Ours.name)
    for name, each in figures.items():
        pairs = zip(ours[:2], each[:2], strict=True) if ours else ()
        ratios = [f"{mine / its:.0%}" for mine, its in pairs] or ["", ""]
        table.rows.append([name, *map(millis, each), *ratios])
    return table
