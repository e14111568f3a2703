"""The server that all rivals share, its databases, and the folder of a run."""

import contextlib
import os
import shutil
import signal
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import psutil
import psycopg
from psycopg import sql

from socialsync.db.embedded import OWNER, EmbeddedServer

REPOSITORY = Path(__file__).parent.parent
CACHE = REPOSITORY / ".bench"
"""Ignored by git: the rivals' environments and the folders of runs."""
SETTINGS = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "shared_buffers": "1GB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "track_io_timing": "on",
}
"""Durable in full; otherwise what anybody sets on a small server. The same for all rivals."""
_SYNCS = 200

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class Ground:
    """What a run stands on."""

    folder: Path
    server: EmbeddedServer
    sink: Path
    """A Unix socket to which tasks tell that they started; in a folder with a short path."""

    def url(self, database: str, role: str = OWNER) -> str:
        return self.server.url(role, database)

    def connect(self, database: str) -> Connection:
        return psycopg.connect(self.url(database), autocommit=True, application_name="bench")

    def has(self, database: str) -> bool:
        with self.connect("postgres") as connection:
            found = connection.execute("select from pg_database where datname = %s", [database])
            return found.rowcount > 0

    def create(self, database: str, template: str = "template0") -> None:
        """A database of this name, anew."""
        with self.connect("postgres") as connection:
            name = sql.Identifier(database)
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(name))
            connection.execute(
                sql.SQL("create database {} template {} strategy file_copy").format(
                    name, sql.Identifier(template)
                )
            )

    def drop(self, database: str) -> None:
        with self.connect("postgres") as connection:
            connection.execute(
                sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(database))
            )

    def settle(self) -> None:
        """Write out what earlier work left, so that the next one does not pay for it."""
        with self.connect("postgres") as connection:
            connection.execute("checkpoint")

    def version(self) -> str:
        with self.connect("postgres") as connection:
            row = connection.execute("show server_version").fetchone()
        return str(row[0]) if row else ""

    def crash(self) -> None:
        """End the server at once, without writing anything out: the next start recovers from the log."""
        pid = int((self.server.data / "postmaster.pid").read_text().splitlines()[0])
        postmaster = psutil.Process(pid)
        postmaster.send_signal(signal.SIGQUIT)
        with contextlib.suppress(psutil.NoSuchProcess):
            postmaster.wait(30)


@contextmanager
def prepared() -> Iterator[Ground]:
    """A new server in a new folder, gone afterwards, however the run ends."""
    CACHE.mkdir(exist_ok=True)
    signal.signal(signal.SIGTERM, _leave)
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=CACHE))
    short = Path(tempfile.mkdtemp(prefix="bench-"))
    server = EmbeddedServer(folder / "home", SETTINGS)
    try:
        server.ensure_running()
        yield Ground(folder, server, short / "sink")
    finally:
        server.stop()
        shutil.rmtree(short, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def sync_time(folder: Path) -> float:
    """Seconds that one small write takes to reach the disk here: the median of some."""
    path = folder / "sync"
    took = []
    with path.open("wb", buffering=0) as file:
        for _ in range(_SYNCS):
            began = time.perf_counter()
            file.write(b"x" * 8192)
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - began)
    path.unlink()
    return statistics.median(took)


def _leave(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)
