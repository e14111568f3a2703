"""Whether a worker is as fast when millions of rows are in the way."""

import time
from dataclasses import dataclass

from bench import crowds
from bench.figures import median, number, percent
from bench.options import Options
from bench.progress import step
from bench.reports import Report, Table
from bench.rivals.procrastinates import Ours, Procrastinate, Stock
from bench.scenarios.lineup import Lineup

MEANING = (
    "The same jobs as in `consume`, ours with concurrency 200, in databases of their own: one empty, one"
    " with jobs scheduled for tomorrow in the served queue and others waiting in a queue that nobody"
    " serves, one with finished jobs and their events. The rounds alternate. Start is the time from the"
    " process's start to its first job's: interpreter, imports, connecting, registering, claiming."
)
GOALS = (
    "Goals: at least 90 % of the empty table's speed; beside five million finished rows a start within a"
    " second."
)
_CONCURRENCY = 200
_FIRST = """
select extract(epoch from min(at))::float from procrastinate_events where id > %s and type = 'started'
"""


@dataclass(frozen=True)
class State:
    """A database in which the same jobs are consumed."""

    label: str
    rival: Procrastinate
    jobs: int
    concurrency: int = _CONCURRENCY


def measure(lineup: Lineup, options: Options) -> Report:
    tomorrow = options.jobs(200_000, 1_000_000)
    elsewhere = options.jobs(100_000)
    finished = options.jobs(500_000, 5_000_000)
    jobs = options.jobs(15_000)
    states = [
        State("ours, empty", _ours(lineup, "flat_empty"), jobs),
        State(
            f"ours, {tomorrow:,} for tomorrow, {elsewhere:,} elsewhere",
            _ours(lineup, "flat_crowded", tomorrow=tomorrow, elsewhere=elsewhere),
            jobs,
        ),
        State(f"ours, {finished:,} finished", _ours(lineup, "flat_finished", finished=finished), jobs),
    ]
    if lineup.has(Stock):
        few = options.jobs(200)
        empty, crowded = Stock(lineup.ground, "stock_empty"), Stock(lineup.ground, "stock_crowded")
        for rival in (empty, crowded):
            rival.prepare()
        crowds.add(crowded, elsewhere=elsewhere)
        states += [
            State("procrastinate, empty", empty, few, 10),
            State(f"procrastinate, {elsewhere:,} elsewhere", crowded, few, 10),
        ]
    found: dict[str, list[tuple[float, float]]] = {state.label: [] for state in states}
    for _ in range(options.rounds):
        for state in states:
            found[state.label].append(_one(state))
    for state in states:
        state.rival.close()
        lineup.ground.drop(state.rival.database)
    imports = median([_imports(lineup.get(Ours)) for _ in range(3)])
    note = (
        f"Of each start of ours, {imports:.2f} s go into the interpreter and importing the App (median of 3)."
    )
    data = {"rate_and_start_s": found, "imports_s": imports}
    return Report("flat", MEANING, [_table(states, found)], [GOALS, note], data)


def _imports(rival: Ours) -> float:
    began = time.perf_counter()
    rival.execute(["-c", "import ours_app, procrastinate.cli"])
    return time.perf_counter() - began


def _ours(lineup: Lineup, database: str, **rows: int) -> Ours:
    rival = Ours(lineup.ground, database)
    rival.prepare()
    if rows:
        crowds.add(rival, **rows)
    return rival


def _one(state: State) -> tuple[float, float]:
    """Jobs a second, and seconds from the process's start to its first job's."""
    rival = state.rival
    mark = rival.fill(state.jobs)
    rival.ground.settle()
    with step(f"flat: {state.label}", state.jobs) as tell:
        with rival.worker(concurrency=state.concurrency) as worker:
            rival.wait(state.jobs, [worker], tell)
        row = rival.connection.execute(_FIRST, [mark]).fetchone()
    assert row
    return rival.rate(state.jobs), row[0] - worker.started_at


def _table(states: list[State], found: dict[str, list[tuple[float, float]]]) -> Table:
    table = Table(["", "jobs/s", "of its empty speed", "start"])
    empty = 0.0
    for state in states:
        rate = median([one[0] for one in found[state.label]])
        start = median([one[1] for one in found[state.label]])
        empty = rate if "empty" in state.label else empty
        table.rows.append([state.label, number(rate), percent(rate / empty), f"{start:.2f} s"])
    return table
