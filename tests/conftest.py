"""A real Postgres in two speeds, the outside world over real HTTP, and a clock of ours.

``database`` lives in an outer transaction that is rolled back: most tests. ``fresh`` is a clone of the
migrated template, for workers, locks and NOTIFY. Both run as the application's role.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import httpx
import pytest
import structlog
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from socialsync import clock, later
from socialsync.ai import open_ai
from socialsync.app import create_app, factory
from socialsync.db.embedded import EmbeddedServer
from socialsync.db.engine import create_engine
from socialsync.db.transaction import Database
from socialsync.db.urls import Urls
from socialsync.features.accounts import service as accounts
from socialsync.features.accounts.models import Workspace
from socialsync.queue.pool import Pool
from socialsync.resources import Resources, open_resources
from socialsync.settings import Settings
from tests import cluster
from tests.balance import pytest_collection_modifyitems
from tests.cluster import (
    execute,
    folder,
    migrate,
    own_server,
    pytest_configure,
    pytest_configure_node,
    pytest_unconfigure,
    quick_path,
    server,
    template,
    urls_of,
)
from tests.doses import pytest_sessionstart
from tests.simulator.server import SimulatorServer

# Rich tracebacks with every local variable take seconds each.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)
REPOSITORY = cluster.REPOSITORY
__all__ = [  # the ground, for pytest and for tests; it lives with the server
    "execute", "folder", "migrate", "own_server", "pytest_collection_modifyitems", "pytest_configure",
    "pytest_configure_node", "pytest_sessionstart", "pytest_unconfigure", "quick_path", "server", "template",
    "urls_of",
]  # fmt: skip


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--thorough", action="store_true", help="crowds, storms and chaos in full doses, with real patience"
    )


def pytest_collection() -> None:
    gc.disable()  # what is imported stays


def pytest_collection_finish() -> None:
    gc.enable()
    later.settled()


@pytest.fixture(scope="session")
def thorough(pytestconfig: pytest.Config) -> bool:
    return bool(pytestconfig.getoption("--thorough"))


@pytest.fixture
def fresh(server: EmbeddedServer, template: str) -> Iterator[Urls]:
    """A database of its own for this test: a clone of the template."""
    with cluster.created(server, template) as name:
        yield urls_of(server, name)


@pytest.fixture(scope="session")
def shared(server: EmbeddedServer, template: str) -> Iterator[Urls]:
    """One clone for all tests of this process that roll back."""
    with cluster.created(server, template) as name:
        yield urls_of(server, name)


@pytest.fixture(scope="session")
def engine(shared: Urls) -> AsyncEngine:
    """One for all tests of this process, which remembers its compiled statements; each test connects anew."""
    return create_engine(shared, pool_size=1, max_overflow=0)


@pytest.fixture
async def connection(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection inside a transaction that is rolled back."""
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


@pytest.fixture(scope="session")
def parsers() -> Iterator[Pool]:
    """Processes for heavy work, for all tests of this process: each takes seconds to start."""
    pool = Pool()
    yield pool
    asyncio.run(pool.close())


@pytest.fixture
async def resources(
    settings: Settings, shared: Urls, database: Database, parsers: Pool
) -> AsyncIterator[Resources]:
    """What a process opens, on the database that is rolled back."""
    async with (
        open_resources(settings, found=shared) as opened,
        open_ai(database, opened.ai.models) as ai,
    ):
        yield replace(opened, database=database, ai=ai, pool=parsers)


@pytest.fixture(scope="session")
def doors() -> list[FastAPI]:
    """The web door of this process, once a test has made it."""
    return []


@pytest.fixture
def app(resources: Resources, doors: list[FastAPI]) -> FastAPI:
    """The web door, as uvicorn would serve it, with this test's resources. Each door works out its routes at
    their first requests, which takes longer than most tests: so all tests go through one.
    """
    if not doors:
        doors.append(create_app(resources))
    factory._put(doors[0], resources)
    return doors[0]


@pytest.fixture
async def workspace(database: Database) -> Workspace:
    return await add_workspace(database, "Chez Nous")


@pytest.fixture
async def other_workspace(database: Database) -> Workspace:
    return await add_workspace(database, "Next Door")


@pytest.fixture
async def client(app: FastAPI, database: Database, workspace: Workspace) -> AsyncIterator[httpx.AsyncClient]:
    """An admin of the workspace, at the real application."""
    async with calling(app, await add_key(database, workspace.id)) as client:
        yield client


@pytest.fixture
async def operator_client(
    app: FastAPI, database: Database, workspace: Workspace
) -> AsyncIterator[httpx.AsyncClient]:
    async with calling(app, await add_key(database, workspace.id, role="operator")) as client:
        yield client


@pytest.fixture
async def viewer_client(
    app: FastAPI, database: Database, workspace: Workspace
) -> AsyncIterator[httpx.AsyncClient]:
    async with calling(app, await add_key(database, workspace.id, role="viewer")) as client:
        yield client


@pytest.fixture
async def other_client(
    app: FastAPI, database: Database, other_workspace: Workspace
) -> AsyncIterator[httpx.AsyncClient]:
    """An admin of another workspace."""
    async with calling(app, await add_key(database, other_workspace.id)) as client:
        yield client


@pytest.fixture
async def installation_client(app: FastAPI, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """Whoever runs the installation."""
    async with calling(app, await add_key(database, None)) as client:
        yield client


@pytest.fixture
async def stranger(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody without a key."""
    async with calling(app) as client:
        yield client


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
        openai_base_url=f"{world}/v1",
        openai_api_key="a key of the tests",
        meta_app_secret="an app secret",
        meta_verify_token="a verify token",
    )


def calling(app: FastAPI, key: str | None = None) -> AbstractAsyncContextManager[httpx.AsyncClient]:
    """A client of the application with no network between them; faults of ours are answered, not raised."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False),
        base_url="http://socialsync",
        headers={"Authorization": f"Bearer {key}"} if key else {},
    )


@asynccontextmanager
async def opening(urls: Urls, home: Path, world: str) -> AsyncIterator[Resources]:
    """What a process opens on a database of its own, commits and all."""
    async with open_resources(settings_for(urls, home, world), found=urls) as opened:
        yield opened


async def add_workspace(database: Database, name: str) -> Workspace:
    async with database.system_transaction("a test founds a workspace") as session:
        return await accounts.create_workspace(session, name=name)


async def add_key(database: Database, workspace_id: UUID | None, *, role: str = "admin") -> str:
    async with database.system_transaction("a test makes a key") as session:
        return (await accounts.create_key(session, role=role, name="test", workspace_id=workspace_id)).key
