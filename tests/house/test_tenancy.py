"""No transaction reads or writes another workspace's rows, whatever its statement forgets."""

from collections.abc import Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import text

from socialsync.db.embedded import APP_ROLE, OWNER, EmbeddedServer
from socialsync.db.engine import create_engine
from socialsync.db.transaction import Database
from socialsync.db.urls import Urls, as_app
from tests import cluster
from tests.conftest import urls_of
from tests.house.test_walls import tenant_tables

MINE, OTHERS = uuid4(), uuid4()
FURNISHED = """
insert into workspaces (id, name) values (%(id)s, 'a workspace');
insert into channels (id, workspace_id, platform, name, external_id, token_encrypted)
    values (%(id)s, %(id)s, 'instagram', 'a channel', '1', 'x');
insert into posts (workspace_id, channel_id, status, text) values (%(id)s, %(id)s, 'draft', 'a post');
insert into audit_log (workspace_id, actor, action, subject) values (%(id)s, 'somebody', 'did', 'something');
"""


@pytest.fixture(scope="module")
def two(server: EmbeddedServer, template: str) -> Iterator[Urls]:
    """A database with two workspaces, which each have a channel, a post and a deed. No test changes it."""
    with cluster.created(server, template) as name:
        urls = urls_of(server, name)
        with psycopg.connect(urls.owner, cursor_factory=psycopg.ClientCursor) as connection:
            for workspace_id in (MINE, OTHERS):
                connection.execute(FURNISHED, {"id": workspace_id})
        yield urls


@pytest.fixture
def mine(two: Urls) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the application, in the scope of one workspace; it commits nothing."""
    with psycopg.connect(two.app) as connection:
        connection.execute("select set_config('app.workspace_id', %s, false)", [str(MINE)])
        connection.commit()
        yield connection
        connection.rollback()


@pytest.fixture
def tables(mine: psycopg.Connection[Any]) -> list[str]:
    return ["workspaces", *tenant_tables(mine)]


@asynccontextmanager
async def database(url: str):
    engine = create_engine(Urls(app=url, direct=url, owner=""), pool_size=1, max_overflow=0)
    yield Database(engine)
    await engine.dispose()


async def count(opened: Database, workspace_id: UUID | None, table: str) -> int:
    scope = (
        opened.transaction(workspace_id) if workspace_id else opened.system_transaction("to count everything")
    )
    async with scope as session:
        return (await session.execute(text(f"select count(*) from {table}"))).scalar_one()  # noqa: S608 - a table of ours


async def test_a_workspace_sees_its_own_rows_and_the_system_all(two):
    async with database(two.app) as opened:
        for table in ("workspaces", "channels", "posts", "audit_log"):
            assert await count(opened, MINE, table) == 1
            assert await count(opened, OTHERS, table) == 1
            assert await count(opened, uuid4(), table) == 0
            assert await count(opened, None, table) == 2


async def test_a_scope_ends_with_its_transaction(two):
    async with database(two.app) as opened:
        assert await count(opened, MINE, "posts") == 1
        async with opened._bind.connect() as same:
            assert await same.scalar(text("select count(*) from posts")) == 0


def test_without_a_scope_nothing_is_seen(two, tables):
    with psycopg.connect(two.app) as connection:
        for table in tables:
            assert connection.execute(f"select count(*) from {table}").fetchone() == (0,), table  # noqa: S608 - a table of ours


def test_a_row_of_another_workspace_cannot_be_made(mine, tables):
    for table in tables:
        column = "id" if table == "workspaces" else "workspace_id"
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            mine.execute(f"insert into {table} ({column}) values (%s)", [OTHERS])  # noqa: S608 - a table of ours
        mine.rollback()


def test_a_row_of_the_installation_cannot_be_made(mine):
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        mine.execute("insert into audit_log (actor, action, subject) values ('somebody', 'did', 'something')")


def test_rows_of_another_workspace_can_neither_be_changed_nor_deleted(mine):
    for table in ("channels", "posts"):
        where = f"{table} where workspace_id = '{OTHERS}'"
        assert mine.execute(f"select from {where} for update").rowcount == 0
        assert mine.execute(f"delete from {where}").rowcount == 0  # noqa: S608 - a table of ours
        assert mine.execute(f"update {table} set created_at = now()").rowcount == 1  # noqa: S608 - a table of ours


def test_a_row_cannot_be_given_away(mine):
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        mine.execute("update posts set workspace_id = %s", [OTHERS])


def test_a_row_cannot_refer_to_another_workspaces(mine):
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="fk_posts_workspace_id_channel_id_channels"):
        mine.execute(
            "insert into posts (workspace_id, channel_id, status, text) values (%s, %s, 'draft', 'x')",
            [MINE, OTHERS],
        )


def test_what_was_audited_cannot_be_unwritten(mine):
    for statement in ("update audit_log set actor = 'nobody'", "delete from audit_log", "truncate audit_log"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            mine.execute(statement)
        mine.rollback()


@pytest.mark.parametrize("signed_in_as", [APP_ROLE, OWNER])
async def test_every_connection_is_of_a_role_that_walls_bind(two, signed_in_as: str):
    url = two.owner.replace(f"//{OWNER}@", f"//{signed_in_as}@")
    engine = create_engine(Urls(app=as_app(url), direct="", owner=""))
    async with engine.connect() as connection:
        role = "select rolname, rolsuper, rolbypassrls from pg_roles where rolname = current_user"
        assert (await connection.execute(text(role))).one() == (APP_ROLE, False, False)
    await engine.dispose()


async def test_a_transaction_is_the_applications_whoever_has_connected(two):
    async with database(two.owner) as opened:
        assert await count(opened, MINE, "posts") == 1
        async with opened.system_transaction("to see who it is") as session:
            assert await session.scalar(text("select current_user")) == APP_ROLE
