"""Web doors that are loaded with webhooks: our API, or another's."""

import json
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from bench.ground import REPOSITORY, Connection
from bench.processes import Process, run
from bench.rivals.contract import APPS
from bench.rivals.procrastinates import Ours
from bench.scenarios.ingest import free_port
from socialsync.db.encryption import Cipher
from socialsync.db.urls import as_app

SECRET = "the benchmark's secret"  # noqa: S105 - of nobody
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


def surroundings(ours: Ours, **more: str) -> dict[str, str]:
    return {
        "DATABASE_URL": as_app(ours.ground.url(ours.database)),
        "SOCIALSYNC_HOME": str(ours.ground.folder),
        "SOCIALSYNC_SECRET_KEY": _KEY,
        "SOCIALSYNC_LOG_LEVEL": "warning",
        "META_APP_SECRET": SECRET,
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
    flags = ["--port", str(port), "--no-access-log"]
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


def load(port: int, much: str, seconds: str, how: str, *, folder: Path, people: int = 400) -> dict[str, Any]:
    """What ``webhook_load`` saw."""
    words = [sys.executable, str(APPS / "webhook_load.py"), str(port), SECRET, much, seconds, how]
    told: dict[str, Any] = json.loads(run(words, {"BENCH_PEOPLE": str(people)}, folder))
    return told


def cpu(process: Process) -> float:
    used = psutil.Process(process.pid).cpu_times()
    return float(used.user + used.system)
