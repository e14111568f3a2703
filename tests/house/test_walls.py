"""Walls around every table of workspaces: enabled, forced, all alike, and without doors that stand open."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from socialsync.db.urls import Urls
from tests.house.source import comply

MAY_LACK_A_WORKSPACE = {
    "api_keys": "the installation's own keys",
    "audit_log": "deeds of the installation",
    "idempotency_keys": "requests made with the installation's keys",
}
ONLY_FOR_THE_SYSTEM = {
    "webhook_events": "a body is stored before anybody knows whom it is about",
}
MAY_BE_UNIQUE_ACROSS = {
    "uq_api_keys_digest": "a key is looked up before its workspace is known",
    "checkpoints_pkey": "LangGraph's: a thread's name begins with the workspace",
    "checkpoint_blobs_pkey": "the same",
    "checkpoint_writes_pkey": "the same",
}

_TENANT_TABLES = """
select c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity, a.attnotnull
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'workspace_id'
where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace and not a.attisdropped
"""
_CLIMBED_KEYS = """
with tenant as (select attrelid from pg_attribute where attname = 'workspace_id' and not attisdropped)
select conname from pg_constraint
where contype = 'f' and conrelid in (table tenant) and confrelid in (table tenant) and not (
    cardinality(conkey) > 1
    and (select attname from pg_attribute where attrelid = conrelid and attnum = conkey[1]) = 'workspace_id'
    and (select attname from pg_attribute where attrelid = confrelid and attnum = confkey[1]) = 'workspace_id'
)
"""
_LOOSE_INDEXES = """
select i.relname from pg_index join pg_class i on i.oid = indexrelid
join pg_attribute w on w.attrelid = indrelid and w.attname = 'workspace_id'
where indisunique and indkey[0] <> w.attnum and not (
    indisprimary and indnatts = 1
    and (select attname from pg_attribute where attrelid = indrelid and attnum = indkey[0]) = 'id')
"""
_OPEN_DOORS = """
select oid::regprocedure::text from pg_proc
where prosecdef and pronamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
    and (has_function_privilege('public', oid, 'execute')
        or not exists (select from unnest(proconfig) setting where setting like 'search_path=%pg_temp'))
"""
_OPEN_VIEWS = """
select oid::regclass::text from pg_class
where relkind in ('v', 'm') and relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
    and (relkind = 'm' or not coalesce('security_invoker=true' = any (reloptions)
        or 'security_invoker=on' = any (reloptions), false))
"""


@pytest.fixture
def owner(shared: Urls) -> Iterator[psycopg.Connection[Any]]:
    """The owner's connection, whose changes are rolled back."""
    with psycopg.connect(shared.owner) as connection:
        yield connection
        connection.rollback()


def names(connection: psycopg.Connection[Any], query: str) -> list[str]:
    return [name for (name,) in connection.execute(query)]


def tenant_tables(connection: psycopg.Connection[Any]) -> list[str]:
    return [name for _, name, *_ in connection.execute(_TENANT_TABLES)]


def unwalled(connection: psycopg.Connection[Any]) -> list[str]:
    """Tables of workspaces that lack a part of their wall."""
    walls = dict(
        connection.execute("select polrelid::regclass::text, count(*) from pg_policy group by 1").fetchall()
    )
    tables = connection.execute(
        _TENANT_TABLES + "union all select oid, relname, relrowsecurity, relforcerowsecurity, true"  # noqa: S608 - a table of ours
        " from pg_class where oid = 'workspaces'::regclass"
    )
    return [name for _, name, enabled, forced, _ in tables if not (enabled and forced and walls.get(name))]


def without_workspace(connection: psycopg.Connection[Any]) -> set[str]:
    return {name for _, name, _, _, not_null in connection.execute(_TENANT_TABLES) if not not_null}


def test_every_table_of_workspaces_is_walled(owner):
    found = unwalled(owner)
    assert len(tenant_tables(owner)) >= 7
    assert not found, comply(
        found,
        "Enable and force row-level security and create the policy in the migration that makes the table.",
    )


def test_every_wall_is_the_same(owner):
    walls = owner.execute(
        "select polrelid::regclass::text, polcmd, polpermissive, polroles, pg_get_expr(polqual, polrelid),"
        " coalesce(pg_get_expr(polwithcheck, polrelid), pg_get_expr(polqual, polrelid)) from pg_policy"
    ).fetchall()
    for table, command, permissive, roles, reads, writes in walls:
        column = "id" if table == "workspaces" else "workspace_id"
        expected = (
            f"(({column} = ( SELECT app_workspace_id() AS app_workspace_id))"
            " OR ( SELECT app_is_system() AS app_is_system))"
        )
        if table in ONLY_FOR_THE_SYSTEM:
            expected = "( SELECT app_is_system() AS app_is_system)"
        assert (command, permissive, roles, reads, writes) == ("*", True, [0], expected, expected), (
            f"The wall of {table} differs: use WALL of the migrations, or say here why it must."
        )


def test_every_row_of_a_workspace_names_it(owner):
    assert without_workspace(owner) == MAY_LACK_A_WORKSPACE.keys(), (
        f"workspace_id is NOT NULL, but for the tables and reasons in MAY_LACK_A_WORKSPACE of {__file__}."
    )


def test_every_reference_stays_inside_its_workspace(owner):
    found = names(owner, _CLIMBED_KEYS)
    assert not found, comply(
        found,
        "Refer to (workspace_id, id): a foreign key sees over walls, so an id alone reaches any workspace.",
    )


def test_every_unique_key_begins_with_the_workspace(owner):
    found = sorted(set(names(owner, _LOOSE_INDEXES)) - MAY_BE_UNIQUE_ACROSS.keys())
    assert not found, comply(
        found,
        "A unique key across workspaces tells one of them what another has: begin it with workspace_id.",
    )


def test_every_function_that_sees_over_walls_is_closed_and_pinned(owner):
    found = names(owner, _OPEN_DOORS)
    assert not found, comply(
        found,
        "A SECURITY DEFINER function is revoked from public, granted to socialsync_app, and ends its own"
        " search_path with pg_temp.",
    )


def test_every_view_looks_with_the_eyes_of_who_asks(owner):
    found = names(owner, _OPEN_VIEWS)
    assert not found, comply(found, "Create the view with (security_invoker = true); no materialized views.")


def test_a_hole_in_any_wall_is_seen(owner):
    owner.execute("""
        create table gaps (
            id uuid primary key, workspace_id uuid, name text unique, post_id uuid references posts);
        create view peephole as select * from posts;
        create function back_door() returns int language sql security definer return 1;
        alter table posts no force row level security;
        drop policy workspace on channels;
    """)
    assert {"gaps", "posts", "channels"} <= set(unwalled(owner))
    assert "gaps" in without_workspace(owner)
    assert names(owner, _CLIMBED_KEYS) == ["gaps_post_id_fkey"]
    assert "gaps_name_key" in names(owner, _LOOSE_INDEXES)
    assert names(owner, _OPEN_DOORS) == ["back_door()"]
    assert names(owner, _OPEN_VIEWS) == ["peephole"]
