"""Minutes at half the peak, with a reader that holds a snapshot for some of them."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.feeding import Feeder
from bench.figures import millis, number, percentile, size, sparkline
from bench.ground import Connection
from bench.listening import Sink, Start
from bench.options import Options
from bench.progress import Tell, step
from bench.reports import Report, Table
from bench.rivals.contract import QUEUE
from bench.rivals.procrastinates import Ours
from bench.scenarios.consume import ENTRIES, consume
from bench.scenarios.lineup import Lineup

MEANING = (
    "Jobs arrive steadily, 20 times a second, at half of the rate that `consume` measures just before;"
    " one worker (concurrency 200). From a fifth of the time to three fifths a reader holds a REPEATABLE"
    " READ snapshot, so that nothing that dies meanwhile can be vacuumed away. One job in twenty tells"
    " when it started."
)
GOAL = "Goal: latency and dead tuples bounded, every job ended, no timeouts; five minutes with `--full`."
_SAMPLE = 20
_READ_EVERY = 0.5
_SIZES = """
select (select coalesce(n_dead_tup, 0) from pg_stat_user_tables where relname = 'procrastinate_jobs'),
    pg_table_size('procrastinate_jobs'), pg_indexes_size('procrastinate_jobs'),
    (select coalesce(autovacuum_count, 0) from pg_stat_user_tables where relname = 'procrastinate_jobs')
"""
_DEFER = """
select count(*) from unnest(procrastinate_defer_jobs_v1(array(
    select row(
        %(queue)s, case when n %% %(sample)s = 0 then 'bench.touch' else 'bench.noop' end, 0, null, null,
        case when n %% %(sample)s = 0 then jsonb_build_object('at', %(at)s::bigint) else '{}' end, null
    )::procrastinate_job_to_defer_v1
    from generate_series(%(first)s::bigint, %(last)s::bigint) n
)))
"""
_ENDED = """
select status::text, count(*) from procrastinate_jobs where queue_name = 'bench' group by 1
"""


@dataclass
class Window:
    """What happened in one stretch of time."""

    done: int
    seconds: float
    starts: list[Start]
    dead: int
    table: int
    indexes: int
    vacuums: int


def measure(lineup: Lineup, options: Options) -> Report:
    seconds = options.seconds(60, 300)
    rival = lineup.get(Ours)
    entry = next(one for one in ENTRIES if one.label == "ours, concurrency 200")
    rate = consume(rival, entry, options, "(the peak)") / 2
    rival.reset()
    with Sink(rival.sink) as sink, rival.worker(concurrency=200) as worker:
        _defer(rival.connection, 0, 0)
        sink.take(1, within=30, check=worker.check, tell=lambda _: None)
        with (
            Feeder(lambda: lineup.ground.connect(rival.database), rate, _defer) as feeder,
            step(f"sustained: {rate:,.0f} jobs/s, {seconds:.0f} s", seconds) as tell,
        ):
            windows, held = _watch(rival, sink, worker.check, seconds, tell)
        with step("sustained: the rest", feeder.sent) as tell:
            rival.wait_ended(feeder.sent + 1, [worker], tell)
    left: dict[str, int] = dict(rival.connection.execute(_ENDED).fetchall())
    return _report(rate, windows, held, feeder.sent, left)


def _defer(connection: Connection, first: int, last: int) -> None:
    """Number 0 and every twentieth tell when they start."""
    given = {"queue": QUEUE, "sample": _SAMPLE, "at": time.time_ns(), "first": first, "last": last}
    connection.execute(_DEFER, given)


def _watch(
    rival: Ours, sink: Sink, check: Callable[[], None], seconds: float, tell: Tell
) -> tuple[list[Window], range]:
    """Windows of a thirtieth of the time (at least a second), and those in which the snapshot was held."""
    windows: list[Window] = []
    length = max(1.0, seconds / 30)
    holder: Connection | None = None
    first = last = 0
    began = marked = time.monotonic()
    done = 0
    while (elapsed := time.monotonic() - began) < seconds:
        time.sleep(_READ_EVERY)
        check()
        tell(elapsed)
        if holder is None and seconds / 5 <= elapsed < 3 * seconds / 5:
            holder, first = _hold(rival), len(windows)
        elif holder is not None and elapsed >= 3 * seconds / 5 and not holder.closed:
            holder.close()
            last = len(windows)
        now = time.monotonic()
        if now - marked >= length:
            ended = rival.ended()
            row = rival.connection.execute(_SIZES).fetchone()
            assert row
            windows.append(Window(ended - done, now - marked, sink.take_all(), *row))
            marked, done = now, ended
    if holder is not None:
        holder.close()
    return windows, range(first, last or len(windows))


def _hold(rival: Ours) -> Connection:
    connection = rival.ground.connect(rival.database)
    connection.execute("begin isolation level repeatable read")
    connection.execute("select count(*) from procrastinate_jobs")
    return connection


def _report(rate: float, windows: list[Window], held: range, sent: int, left: dict[str, int]) -> Report:
    table = Table(["", "before", "snapshot held", "after", "over time"])
    spans = [windows[: held.start], windows[held.start : held.stop], windows[held.stop :]]
    lates = [[start.late for start in window.starts] or [0.0] for window in windows]
    p50s, p99s = ([percentile(late, share) for late in lates] for share in (0.5, 0.99))

    def latency(share: float) -> list[str]:
        lates = [[start.late for window in span for start in window.starts] for span in spans]
        return [millis(percentile(one, share)) if one else "" for one in lates]

    def most(name: str) -> list[float]:
        return [max((getattr(window, name) for window in span), default=0) for span in spans]

    speeds = [sum(w.done for w in span) / max(0.001, sum(w.seconds for w in span)) for span in spans]
    table.rows = [
        ["jobs/s", *map(number, speeds), _chart([w.done / w.seconds for w in windows])],
        ["pickup p50", *latency(0.5), _chart(p50s)],
        ["pickup p99", *latency(0.99), _chart(p99s)],
        ["pickup max", *latency(1), ""],
        ["dead tuples, most", *map(number, most("dead")), _chart([w.dead for w in windows])],
        ["table, most", *map(size, most("table")), _chart([w.table for w in windows])],
        ["indexes, most", *map(size, most("indexes")), _chart([w.indexes for w in windows])],
        ["autovacuums by then", *map(number, most("vacuums")), ""],
    ]
    notes = [
        GOAL,
        f"Offered: {rate:,.0f} jobs/s, {sent:,} in all. Ended: {left}.",
        "Rows stay (finished jobs are kept), so the table grows with the jobs; its dead tuples must not.",
    ]
    data = {"rate": rate, "sent": sent, "left": left, "held": [held.start, held.stop]}
    data["windows"] = [
        {"done": w.done, "seconds": w.seconds, "p50": p50, "p99": p99, "dead": w.dead, "table": w.table}
        for w, p50, p99 in zip(windows, p50s, p99s, strict=True)
    ]
    return Report("sustained", MEANING, [table], notes, data)


def _chart(values: list[float]) -> str:
    return f"`{sparkline(values)}`"
