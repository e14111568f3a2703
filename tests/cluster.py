"""The ground of one run, shared by its processes: a folder, in memory where there is room, and one Postgres.

pytest's controller (or its only process) makes the folder; at its end, Ctrl-C included, it stops every server
in there and removes it. Whoever needs the server first starts it. Names of databases are nobody else's.
"""

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import fasteners
import psutil
import psycopg
import pytest

from socialsync.db.embedded import OWNER, EmbeddedServer

FOLDER = pytest.StashKey[Path]()
FAST = {
    "fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "autovacuum": "off",
    "max_connections": "400",
}  # fmt: skip
_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made there
_ROOM = 2 * 2**30
"""Bytes that must be free in memory: a run takes a tenth, and containers often have 64 MB."""
_PROCESS = os.environ.get("PYTEST_XDIST_WORKER", "alone")
_numbers = itertools.count(1)


def begin(config: pytest.Config) -> None:
    given = getattr(config, "workerinput", {}).get("folder")
    if given:
        config.stash[FOLDER] = Path(given)
        return
    config.stash[FOLDER] = folder = Path(tempfile.mkdtemp(prefix="socialsync-tests-", dir=_roomy()))
    folder.chmod(0o711)  # the server's user passes through when root runs the tests


def hand_on(node) -> None:
    """Tell a process of xdist."""
    node.workerinput["folder"] = str(node.config.stash[FOLDER])


def end(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return
    folder = config.stash[FOLDER]
    for running in folder.rglob("postgres/postmaster.pid"):
        EmbeddedServer(running.parents[1]).stop()
    shutil.rmtree(folder)


def _roomy() -> Path | None:
    """Memory, if there is enough: databases are made ten times faster there. None is the usual place."""
    if not _MEMORY.is_dir() or not os.access(_MEMORY, os.W_OK):
        return None
    free = min(shutil.disk_usage(_MEMORY).free, psutil.virtual_memory().available)
    return _MEMORY if free >= _ROOM else None


def new_name() -> str:
    """For a database or a folder."""
    return f"{_PROCESS}_{next(_numbers)}"


def seed(folder: Path, home: Path) -> None:
    """Give this home a cluster as initdb leaves it: a copy of one for all, because initdb takes a second."""
    original = folder / "as initdb leaves it"
    with fasteners.InterProcessLock(folder / "seed.lock"):
        if not original.exists():
            server = EmbeddedServer(folder / "draft")
            server.home.mkdir()
            if server._user:
                server._let_in(server._user)
            server._create()
            server.home.rename(original)
    subprocess.run(["cp", "-a", original, home], check=True)


def start(folder: Path) -> EmbeddedServer:
    """The one server, in a home with a blank in its path, without syncing to disk."""
    home = folder / "a home"
    with fasteners.InterProcessLock(folder / "home.lock"):
        if not home.exists():
            seed(folder, home)
    server = EmbeddedServer(home, FAST)
    server.ensure_running()
    return server


def execute(server: EmbeddedServer, sql: str) -> None:
    with psycopg.connect(server.url(OWNER, "postgres"), autocommit=True) as connection:
        connection.execute(sql)


def exists(server: EmbeddedServer, name: str) -> bool:
    with psycopg.connect(server.url(OWNER, "postgres")) as connection:
        return bool(connection.execute("select from pg_database where datname = %s", [name]).rowcount)


def create(server: EmbeddedServer, name: str, template: str = "template1") -> None:
    execute(server, f"create database {name} template {template} strategy file_copy")


@contextmanager
def created(server: EmbeddedServer, template: str = "template1") -> Iterator[str]:
    """A database for a while, empty or a clone; its name."""
    name = new_name()
    create(server, name, template)
    try:
        yield name
    finally:
        execute(server, f"drop database {name} with (force)")
