"""The web door: how many webhooks a second it takes, and how soon what they tell is looked after."""

import json
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from bench.figures import median, millis, number, percentile, times
from bench.ground import REPOSITORY, Connection
from bench.options import Options
from bench.processes import Died, Process, run
from bench.progress import step
from bench.reports import Report, Table
from bench.rivals.celeries import Celery
from bench.rivals.contract import APPS
from bench.rivals.procrastinates import Ours
from bench.scenarios.ingest import free_port
from bench.scenarios.lineup import Lineup
from socialsync.db.encryption import Cipher
from socialsync.db.urls import as_app

MEANING = (
    "Signed text messages of 400 people, one a body, told over loopback by another process to one uvicorn"
    " process (asyncio, h11) of our API. Beside it the same endpoint as one writes it with FastAPI and"
    " Celery: check the signature, insert the message into the same Postgres, commit, enqueue into Redis."
    " `At once`: so many calls are under way all the time; told is how many a second are answered. `At 200 a"
    " second`: each is timed from the instant at which it was due, whether the door was free or not. Load"
    " and Postgres share the machine."
)
GOALS = (
    "Goals: at least 1.5 times the rate of the other; p99 below 50 ms at 200 a second; p50 below 15 ms from"
    " the end of a window to the start of its job."
)
_OTHER_NOTE = (
    "Ours stores the raw body, the person, the conversation, the message, the window and its job, all before"
    " the answer; bodies that come together share a transaction. The other stores the message only, and what"
    " dies between its commit and Redis is never answered."
)
AT_ONCE = (1, 8, 64)
RATE = 200
_SECRET = "the benchmark's secret"  # noqa: S105 - of nobody
_KEY = "the benchmark's key"
_NUMBER = "106540352242922"
_WORKSPACE = "00000000-0000-7000-8000-000000000001"
_FURNISH = (
    "truncate workspaces, webhook_events cascade",
    "truncate procrastinate_jobs, procrastinate_events restart identity cascade",
    "delete from limits",
    f"insert into workspaces (id, name) values ('{_WORKSPACE}', 'bench')",  # noqa: S608 - ours
)
_CHANNEL = """
insert into channels
    (workspace_id, platform, name, external_id, token_encrypted, buffer_quiet_s, buffer_max_s)
values (%s, 'whatsapp', 'wa', %s, %s, %s, %s)
"""
_TABLE = """
create table if not exists bench_messages (id bigint primary key generated always as identity,
    platform_message_id text not null unique, phone text not null, kind text not null, body text,
    told_at timestamptz not null, created_at timestamptz not null default now())
"""
_STORED = "select (select count(*) from webhook_events), (select count(*) from messages)"
_STARTED = """
select extract(epoch from job.x_started_at - opened.due_at)::float
from message_windows opened join procrastinate_jobs job
    on job.args ->> 'conversation_id' = opened.conversation_id::text
where job.task_name = 'conversations.process_message' and job.x_started_at is not null
"""
_ANSWERED = "select count(*) from message_windows where ended_at is not null"
_SENT = (
    "select count(*) from messages where direction = 'outbound' and status in ('sent', 'delivered', 'read')"
)
_WITHIN_S = 300.0


def measure(lineup: Lineup, options: Options) -> Report:
    ours = lineup.get(Ours)
    doors = {"ours": _Door("ours", ours)}
    if lineup.has(Celery):
        doors["FastAPI, Celery + Redis"] = _Door("celery", ours, lineup.get(Celery))
    labels = [f"{n} at once" for n in AT_ONCE] + [f"at {RATE} a second"]
    found: dict[str, dict[str, list[dict[str, Any]]]] = {
        label: {name: [] for name in doors} for label in labels if options.wants(label)
    }
    for _ in range(options.rounds):
        for label, by_door in found.items():
            for name, door in doors.items():
                with step(f"webhook: {name}, {label}"):
                    by_door[name].append(door.loaded(label, options.seconds(8, 60)))
    tables = [_table(found)] if found else []
    return Report("webhook", MEANING, tables, [GOALS, _OTHER_NOTE], {"load": found})


def _table(found: dict[str, dict[str, list[dict[str, Any]]]]) -> Table:
    """Medians over the rounds."""
    table = Table(["calls", "a second", "p50", "p99", "its CPU each", "ours is"])
    for label, by_door in found.items():
        rates = {name: median([one["rate"] for one in rounds]) for name, rounds in by_door.items()}
        for name, rounds in by_door.items():
            shares = [median([percentile(one["took"], share) for one in rounds]) for share in (0.5, 0.99)]
            cpu = median([one["cpu_s"] for one in rounds])
            ratio = times(rates["ours"] / rates[name]) if name != "ours" else ""
            figures = [number(rates[name]), *map(millis, shares), millis(cpu), ratio]
            table.rows.append([f"{label}, {name}", *figures])
    return table


class _Door:
    """One of the two endpoints, and how it is loaded.

    Args:
        kind: ``ours`` or ``celery``.
        ours: whose database both use.
    """

    def __init__(self, kind: str, ours: Ours, celery: Celery | None = None) -> None:
        self._kind = kind
        self._ours = ours
        self._celery = celery

    def loaded(self, label: str, seconds: float) -> dict[str, Any]:
        """A process of its own, warmed up, then loaded for so long."""
        furnish(self._ours.connection)
        if self._celery is not None:
            self._celery.reset()
        much = next(word for word in label.split() if word.isdecimal())
        how = "open" if label.startswith("at ") else "closed"
        with self._open() as (port, process):
            load(port, "8", "1", "closed", folder=self._ours.ground.folder)
            self._ours.ground.settle()
            before = cpu(process)
            told = load(port, much, str(seconds), how, folder=self._ours.ground.folder)
            used = cpu(process) - before
        answered = sum(told["statuses"].values())
        if told["statuses"] != {"200": answered}:
            raise Died(f"Not every webhook was answered with 200: {told['statuses']}")
        return {"rate": told["rate"], "took": told["took"], "cpu_s": used / answered}

    @contextmanager
    def _open(self) -> Iterator[tuple[int, Process]]:
        if self._celery is None:
            with api(self._ours) as opened:
                yield opened
            return
        python, environment = self._celery.web()
        environment |= {
            "DATABASE_URL": self._ours.ground.url(self._ours.database),
            "META_APP_SECRET": _SECRET,
        }
        words = [python, "-m", "uvicorn", "celery_webhook:app"]
        with serving(words, environment, self._ours.ground.folder, "celery-web") as opened:
            yield opened


def surroundings(ours: Ours, **more: str) -> dict[str, str]:
    return {
        "DATABASE_URL": as_app(ours.ground.url(ours.database)),
        "SOCIALSYNC_HOME": str(ours.ground.folder),
        "SOCIALSYNC_SECRET_KEY": _KEY,
        "SOCIALSYNC_LOG_LEVEL": "warning",
        "META_APP_SECRET": _SECRET,
        "META_GRAPH_URL": "http://127.0.0.1:9",
        "PROCRASTINATE_APP": "socialsync.worker.app",
        "PYTHONPATH": f"{REPOSITORY / 'src'}:{REPOSITORY}",
    } | more


@contextmanager
def api(ours: Ours, **more: str) -> Iterator[tuple[int, Process]]:
    """Our API, in one process."""
    words = [sys.executable, "-m", "uvicorn", "socialsync.app:app"]
    with serving(words, surroundings(ours, **more), ours.ground.folder, "api") as opened:
        yield opened


@contextmanager
def serving(
    words: Sequence[str], environment: dict[str, str], folder: Path, name: str
) -> Iterator[tuple[int, Process]]:
    port = free_port()
    flags = ["--port", str(port), "--loop", "asyncio", "--http", "h11", "--no-access-log"]
    with Process([*words, *flags, "--log-level", "warning"], environment, folder, name) as process:
        while True:
            process.check()
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=2):
                    break
            except OSError:
                time.sleep(0.1)
        yield port, process


def furnish(connection: Connection, quiet: float = 5, most: float = 20) -> None:
    """An empty installation with one number, whose windows close after these times."""
    for statement in _FURNISH:
        connection.execute(statement.encode())
    token = Cipher([_KEY]).encrypt("EAAbench")
    connection.execute(_CHANNEL, [_WORKSPACE, _NUMBER, token, quiet, most])
    connection.execute(f"drop table if exists bench_messages; {_TABLE}".encode())
    connection.execute("vacuum analyze")


def load(port: int, much: str, seconds: str, how: str, *, folder: Path) -> dict[str, Any]:
    words = [sys.executable, str(APPS / "webhook_load.py"), str(port), _SECRET, much, seconds, how]
    told: dict[str, Any] = json.loads(run(words, {}, folder))
    return told


def cpu(process: Process) -> float:
    used = psutil.Process(process.pid).cpu_times()
    return float(used.user + used.system)
