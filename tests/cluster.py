"""The ground of one run, shared by its processes: a folder, in memory where there is room, and one Postgres.

pytest's controller (or its only process) makes the folder; at its end, Ctrl-C included, it stops every server
in there and removes it. Whoever needs the server first starts it. Names of databases are nobody else's.
"""

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import fasteners
import psutil
import psycopg
import pytest
from alembic import command
from alembic.config import Config

from socialsync.db.embedded import OWNER, EmbeddedServer
from socialsync.db.urls import Urls, as_app

REPOSITORY = Path(__file__).parent.parent
TEMPLATE = "template_socialsync"
FOLDER = pytest.StashKey[Path]()
FAST = {
    # What a statement that is prepared has in the end; some are refused only then
    "plan_cache_mode": "force_generic_plan",
    "fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "autovacuum": "off",
    "max_connections": "400",
}  # fmt: skip
_LOCK = pytest.StashKey[fasteners.InterProcessLock]()
_PREFIX = "socialsync-tests-"
_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made there
_ROOM = 2 * 2**30
"""Bytes that must be free in memory: a run takes a tenth, and containers often have 64 MB."""
_PROCESS = os.environ.get("PYTEST_XDIST_WORKER", "alone")
_numbers = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    given = getattr(config, "workerinput", {}).get("folder")
    if given:
        config.stash[FOLDER] = Path(given)
        return
    place = _roomy()
    _clear_up_after_the_killed(place)
    config.stash[FOLDER] = folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
    folder.chmod(0o711)  # the server's user passes through when root runs the tests
    config.stash[_LOCK] = lock = fasteners.InterProcessLock(folder / "run.lock")
    lock.acquire()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends in pytest_unconfigure, like Ctrl-C


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    """Tell a process of xdist."""
    node.workerinput["folder"] = str(node.config.stash[FOLDER])


def pytest_unconfigure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return
    _clear_up(config.stash[FOLDER])
    config.stash[_LOCK].release()


def _clear_up(folder: Path) -> None:
    for running in folder.rglob("postgres/postmaster.pid"):
        EmbeddedServer(running.parents[1]).stop()
    shutil.rmtree(folder)


def _clear_up_after_the_killed(place: Path) -> None:
    """Whoever is killed at once cleans nothing up; its lock is free then, and the next run does it."""
    for path in place.glob(f"{_PREFIX}*/run.lock"):
        if os.access(path, os.W_OK):
            lock = fasteners.InterProcessLock(path)
            free = lock.acquire(blocking=False)
            with contextlib.closing(lock.lockfile):
                if free:
                    _clear_up(path.parent)


def _roomy() -> Path:
    """Memory, if there is enough, because databases are made ten times faster there; else the usual place."""
    usual = Path(tempfile.gettempdir())
    if not _MEMORY.is_dir() or not os.access(_MEMORY, os.W_OK):
        return usual
    free = min(shutil.disk_usage(_MEMORY).free, psutil.virtual_memory().available)
    return _MEMORY if free >= _ROOM else usual


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


def urls_of(server: EmbeddedServer, name: str) -> Urls:
    app = as_app(server.url(database=name))
    return Urls(app=app, direct=app, owner=server.url(OWNER, name))


def migrate(owner_url: str, revision: str = "head") -> None:
    """Run Alembic as a person would, on this database."""
    config = Config(REPOSITORY / "alembic.ini", attributes={"url": owner_url})
    (command.downgrade if revision == "base" else command.upgrade)(config, revision)


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


@pytest.fixture(scope="session")
def folder(pytestconfig: pytest.Config) -> Path:
    """What all processes of this run share, in memory where there is room."""
    return pytestconfig.stash[FOLDER]


@pytest.fixture
def quick_path(folder: Path) -> Iterator[Path]:
    """Like ``tmp_path``, in memory where there is room: for the home of a server."""
    path = folder / new_name()
    path.mkdir()
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def server(folder: Path) -> EmbeddedServer:
    """One embedded server for the run, whatever number of processes it has."""
    return start(folder)


@pytest.fixture
def own_server(folder: Path, quick_path: Path) -> Iterator[EmbeddedServer]:
    """A server of its own for this test, for what would touch everybody: roles."""
    seed(folder, quick_path / "own home")
    server = EmbeddedServer(quick_path / "own home", FAST)
    server.ensure_running()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def template(folder: Path, server: EmbeddedServer) -> str:
    """The name of a database migrated by Alembic, to clone; a connection to it would keep others waiting."""
    with fasteners.InterProcessLock(folder / "template.lock"):
        if not exists(server, TEMPLATE):
            create(server, "draft")
            migrate(server.url(OWNER, "draft"))
            execute(server, f"alter database draft rename to {TEMPLATE}")
    return TEMPLATE
