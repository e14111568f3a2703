"""Whether the database is there and migrated."""

import asyncio
import socket

import psycopg
import pytest
from sqlalchemy import event

from socialsync.db import revisions, vectors
from socialsync.db.embedded import DATABASE
from socialsync.db.engine import create_engine
from socialsync.db.transaction import Database
from socialsync.db.urls import Urls, as_app
from socialsync.features.operations import readiness
from socialsync.features.operations.readiness import NotReady
from tests import cluster
from tests.conftest import execute, migrate, urls_of


@pytest.fixture
async def at():
    """Databases at any address, closed in the end."""
    engines = []

    def connect(urls):
        engines.append(create_engine(urls))
        return Database(engines[-1])

    yield connect
    for engine in engines:
        await engine.dispose()


@pytest.fixture
def empty(server):
    """A database without any migration."""
    with cluster.created(server) as name:
        yield urls_of(server, name)


@pytest.fixture
def silent():
    """The address of a host that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = as_app(f"postgresql://me@127.0.0.1:{listening.getsockname()[1]}/db")
        yield Urls(app=url, direct=url, owner=url)


async def told(database):
    with pytest.raises(NotReady) as refused:
        await readiness.check(database)
    return refused.value.message, refused.value.fix


async def test_a_migrated_database_is_ready(database):
    await readiness.check(database)
    assert (await readiness.see(database)).queues == {}


async def test_a_database_without_migrations_is_told_what_to_do(at, empty):
    message, fix = await told(at(empty))
    assert "migrations" in message
    assert "alembic upgrade head" in fix


async def test_a_database_with_some_migrations_is_told_the_same(at, empty):
    migrate(empty.owner, revisions.known()[1])
    assert "alembic upgrade head" in (await told(at(empty)))[1]
    migrate(empty.owner)
    await readiness.check(at(empty))


async def test_a_cluster_without_our_role_is_told_the_same(at, own_server):
    urls = urls_of(own_server, DATABASE)
    migrate(urls.owner)
    await readiness.check(at(urls))
    execute(own_server, "alter role socialsync_app rename to somebody_else")
    assert "alembic upgrade head" in (await told(at(urls)))[1]


async def test_a_database_of_a_newer_version_keeps_its_old_processes(at, fresh):
    with psycopg.connect(fresh.owner) as connection:
        connection.execute("update alembic_version set version_num = '9999'")
    await readiness.check(at(fresh))


async def test_a_database_that_is_away_is_told_without_its_address(at):
    url = as_app("postgresql://me:secret@127.0.0.1:1/db")
    message, fix = await told(at(Urls(app=url, direct=url, owner=url)))
    assert "does not answer" in message
    assert "secret" not in message + fix


async def test_a_database_that_comes_back_is_ready_again(at, server, template):
    urls = urls_of(server, name := cluster.new_name())
    database = at(urls)
    await told(database)
    cluster.create(server, name, template)
    await readiness.check(database)


async def test_a_silent_host_is_not_waited_for(at, silent):
    assert "does not answer" in (await told(at(silent)))[0]


async def test_many_who_ask_at_once_share_one_look(at, fresh):
    database = at(fresh)
    opened = []
    event.listen(database._bind.sync_engine, "begin", opened.append)
    seen = await asyncio.gather(*(readiness.see(database) for _ in range(20)))
    assert all(one is seen[0] for one in seen)
    assert len(opened) == 1
    assert await readiness.see(database) is not seen[0]


async def test_a_pgvector_that_is_too_old_is_told_with_the_fix(at, fresh):
    with psycopg.connect(fresh.owner) as connection:
        connection.execute("update pg_extension set extversion = '0.8.3' where extname = 'vector'")
    message, fix = await told(at(fresh))
    assert message == "The database's pgvector is 0.8.3, and SocialSync needs 0.8.4 or later."
    assert fix == "As the owner: alter extension vector update"


@pytest.mark.parametrize(
    ("version", "older"),
    [("0.8.4", False), ("0.8.10", False), ("0.9", False), ("1.0.0", False), ("0.8", True), (None, True)],
)
def test_versions_of_pgvector_are_compared_by_their_numbers(version, older):
    assert vectors.is_older(version) == older
