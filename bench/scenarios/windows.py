"""How soon a conversation is looked after once its window has closed: one by one, and a thousand at once."""

import sys
import time
from pathlib import Path
from typing import Any

from bench.doors import api, furnish, load, surroundings
from bench.figures import millis, percentile, size
from bench.ground import Connection
from bench.options import Options
from bench.processes import Died, Process
from bench.progress import step
from bench.reports import Table
from bench.rivals.procrastinates import Ours
from bench.scenarios.ingest import free_port, ready

_ALONE, _AT_ONCE = "one by one", "at once"
_STARTED = """
select extract(epoch from job.x_started_at - opened.due_at)::float
from message_windows opened join procrastinate_jobs job
    on job.args ->> 'conversation_id' = opened.conversation_id::text
where job.task_name = 'conversations.process_message' and job.x_started_at is not null
"""
_OPEN = "select count(*) from message_windows where ended_at is null"
_TOOK = "select extract(epoch from max(ended_at) - min(due_at))::float from message_windows"
_OUTCOMES = "select coalesce(outcome, 'open'), count(*) from message_windows group by 1 order by 1"
_WITHIN_S = 300.0
Found = dict[str, Any]


def measure(ours: Ours, options: Options) -> tuple[list[Table], Found]:
    """A stock worker with the simulator for model and platform."""
    data: Found = {}
    for label in (_ALONE, _AT_ONCE):
        if not options.wants(f"windows {label}"):
            continue
        many = options.jobs(100, 400) if label == _ALONE else options.jobs(1_000)
        with step(f"webhook: {many:,} windows, {label}"):
            data[label] = _watched(ours, many, label)
    if not data:
        return [], data
    table = Table(["windows", "start p50", "p99", "all handled after", "worker's memory", "outcomes"])
    for label, one in data.items():
        late = one["late_s"]
        outcomes = ", ".join(f"{count:,} {outcome}" for outcome, count in one["outcomes"])
        figures = [millis(percentile(late, share)) for share in (0.5, 0.99)]
        table.rows.append(
            [f"{len(late):,} {label}", *figures, f"{one['took_s']:.1f} s", size(one["memory"]), outcomes]
        )
    table.title = "From the end of a window to the start of its job"
    return [table], data


def _watched(ours: Ours, many: int, label: str) -> Found:
    """Each person writes once. At once: all within ten seconds, and their windows end within two."""
    folder, port = ours.ground.folder, free_port()
    bin_ = Path(sys.executable).parent
    alone = label == _ALONE
    furnish(ours.connection, *((1, 5) if alone else (10, 11)))
    world = f"http://127.0.0.1:{port}"
    more = {"META_GRAPH_URL": world, "OPENAI_BASE_URL": f"{world}/v1", "OPENAI_API_KEY": "bench"}
    words = [str(bin_ / "procrastinate"), "worker", "-q", "ingest,state"]
    with (
        Process([str(bin_ / "socialsync"), "simulator", "--port", str(port)], {}, folder, "simulator"),
        Process(words, surroundings(ours, **more), folder, "answerer") as worker,
        api(ours, **more) as (door, _),
    ):
        ready(ours.connection, worker)
        rate = 5 if alone else 100
        load(door, str(rate), str(many / rate), "open", folder=folder, people=many)
        memory = _await_all(ours.connection, worker)
    (took,) = ours.connection.execute(_TOOK.encode()).fetchone() or (0.0,)
    return {
        "late_s": [late for (late,) in ours.connection.execute(_STARTED.encode())],
        "took_s": took,
        "memory": memory,
        "outcomes": ours.connection.execute(_OUTCOMES.encode()).fetchall(),
    }


def _await_all(connection: Connection, worker: Process) -> int:
    """The most memory that the worker took."""
    deadline, memory = time.monotonic() + _WITHIN_S, 0
    while connection.execute(_OPEN.encode()).fetchone() != (0,):
        worker.check()
        memory = max(memory, worker.memory())
        if time.monotonic() > deadline:
            raise Died(f"Not every window was handled: {connection.execute(_OUTCOMES.encode()).fetchall()}")
        time.sleep(0.2)
    return memory
