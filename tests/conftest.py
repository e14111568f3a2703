"""A real Postgres in two speeds, the outside world over real HTTP, and a clock of ours.

``database`` lives in an outer transaction that is rolled back: most tests. ``fresh`` is a clone of the
migrated template, for workers, locks and NOTIFY. Both run as the application's role.
"""

import itertools
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.simulator.server import SimulatorServer

from socialsync import clock
from socialsync.db.embedded import OWNER, EmbeddedServer
from socialsync.db.engine import create_engine
from socialsync.db.transaction import Database
from socialsync.db.urls import Urls, as_app
from socialsync.settings import Settings

REPOSITORY = Path(__file__).parent.parent
TEMPLATE = "template_socialsync"
FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "max_connections": "100"}
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """One embedded server for the run, in a home with a blank in its path, without syncing to disk."""
    server = EmbeddedServer(tmp_path_factory.mktemp("a home"), FAST)
    server.ensure_running()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def template(server: EmbeddedServer) -> str:
    """The name of a database migrated by Alembic, to clone."""
    execute(server, f"create database {TEMPLATE}")
    migrate(server.url(OWNER, TEMPLATE))
    return TEMPLATE


@pytest.fixture
def fresh(server: EmbeddedServer, template: str) -> Iterator[Urls]:
    """A database of its own for this test: a clone of the template."""
    name = f"fresh_{next(_numbers)}"
    execute(server, f"create database {name} template {template} strategy file_copy")
    yield urls_of(server, name)
    execute(server, f"drop database {name} with (force)")


@pytest.fixture(scope="session")
def shared(server: EmbeddedServer, template: str) -> Urls:
    """One clone for all tests that roll back."""
    execute(server, f"create database shared template {template} strategy file_copy")
    return urls_of(server, "shared")


@pytest.fixture
async def connection(shared: Urls) -> AsyncIterator[AsyncConnection]:
    """A connection inside a transaction that is rolled back."""
    engine = create_engine(shared, pool_size=1, max_overflow=0)
    async with engine.connect() as connection:
        outer = await connection.begin()
        yield connection
        await outer.rollback()
    await engine.dispose()


@pytest.fixture
def database(connection: AsyncConnection) -> Database:
    """Transactions that are savepoints of one that is rolled back."""
    return Database(connection)


@pytest.fixture
async def fresh_database(fresh: Urls) -> AsyncIterator[Database]:
    engine = create_engine(fresh)
    yield Database(engine)
    await engine.dispose()


@pytest.fixture(scope="session")
def outside_world() -> Iterator[SimulatorServer]:
    with SimulatorServer() as server:
        yield server


@pytest.fixture
def simulator(outside_world: SimulatorServer) -> SimulatorServer:
    """Meta, as it was before anybody called."""
    outside_world.reset()
    return outside_world


@pytest.fixture
def settings(tmp_path: Path, shared: Urls, outside_world: SimulatorServer) -> Settings:
    return settings_for(shared, tmp_path, outside_world.url)


@pytest.fixture
def noon() -> Iterator[clock.MovableClock]:
    """The clock stands at noon of an ordinary day until the test moves it."""
    with clock.use(clock.MovableClock(datetime(2026, 3, 4, 12, tzinfo=UTC))) as standing:
        yield standing


def settings_for(urls: Urls, home: Path, world: str) -> Settings:
    return Settings(
        _env_file=None,
        database_url=urls.app,
        SOCIALSYNC_HOME=home,
        SOCIALSYNC_SECRET_KEY="a key of the tests",
        meta_graph_url=world,
        meta_app_secret="an app secret",
        meta_verify_token="a verify token",
    )


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
