"""`alembic upgrade head` is all the set-up a database needs, and can be undone, repeated and raced."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from procrastinate.schema import SchemaManager

from socialsync.db import revisions
from socialsync.db.embedded import OWNER, EmbeddedServer
from socialsync.db.urls import Urls
from tests import cluster, migrations
from tests.db import catalog
from tests.db.catalog import Catalog, differences

LIBRARYS = ("procrastinate_", "idx_procrastinate_")
REPLACED = {
    "procrastinate_jobs_notify_queue_job_inserted_v1",
    "procrastinate_trigger_status_events_insert_v1",
    "procrastinate_trigger_status_events_update_v1",
    "procrastinate_trigger_scheduled_events_v1",
}
"""The library's row-level triggers, disabled and not redefined: statement-level ones of ours stand in."""


@pytest.fixture
def empty(server: EmbeddedServer) -> Iterator[str]:
    """The owner's URL of an empty database."""
    with cluster.created(server) as name:
        yield server.url(OWNER, name)


@pytest.fixture
def migrated(shared: Urls) -> Catalog:
    return migrations.objects(shared.owner)


def change(owner_url: str, sql: str) -> None:
    with psycopg.connect(owner_url) as connection:
        connection.execute(sql)


def librarys(found: Catalog) -> Catalog:
    """Procrastinate's part, without who may use it: that is ours to say."""
    return {
        name: definition
        for name, definition in found.items()
        if not name.startswith("privileges") and name.split()[1].startswith(LIBRARYS)
    }


def test_up_down_to_nothing_and_up_again(empty):
    migrations.check_round_trip(empty)


def test_what_a_downgrade_leaves_behind_is_told(empty):
    before = migrations.objects(empty)
    migrations.command.upgrade(migrations.config(empty), "head")
    change(empty, "create table left_behind (id int)")
    with pytest.raises(migrations.MigrationsAreWrong, match="left_behind"):
        migrations.check_downgrade(empty, before)


def test_models_that_disagree_with_the_migrations_are_told(empty):
    migrations.command.upgrade(migrations.config(empty), "head")
    migrations.check_agreement(empty)
    change(empty, "alter table posts drop column error")
    with pytest.raises(migrations.MigrationsAreWrong, match="error"):
        migrations.check_agreement(empty)


def test_a_number_that_was_connected_before_gets_its_limit(empty):
    migrations.command.upgrade(migrations.config(empty), "0005")
    add = (
        "with scope as (select set_config('app.system_reason', 'a test of migrations', true)),"
        " workspace as (insert into workspaces (name) select 'Bakery' from scope returning id)"
        " insert into channels (workspace_id, platform, name, external_id, token_encrypted)"
        " select id, 'whatsapp', n, n, 'x' from workspace, unnest(array['1', '2', '3']) n"
    )
    change(empty, add)
    change(empty, "insert into limits (key, rate_per_s, burst) values ('whatsapp:2', 20, 1)")
    change(empty, "insert into limits (key, blocked_until) values ('whatsapp:3', now())")
    migrations.command.upgrade(migrations.config(empty), "0007")
    with psycopg.connect(empty) as connection:
        rows = connection.execute("select key, rate_per_s, burst from limits order by key").fetchall()
    assert rows == [("whatsapp:1", 80, 80), ("whatsapp:2", 20, 1), ("whatsapp:3", 80, 80)]


def test_a_burst_that_nobody_set_comes_down_to_ten(empty):
    migrations.command.upgrade(migrations.config(empty), "0018")
    change(
        empty,
        "insert into limits (key, max_running, rate_per_s, burst, tokens) values"
        " ('whatsapp:1', null, 80, 80, 75), ('whatsapp:2', null, 80, 80, 5),"
        " ('whatsapp:3', null, 80, 80, 80), ('whatsapp:4', null, 20, 80, 80), ('whatsapp:5', 3, 80, 80, 80),"
        " ('shop:mail', null, 80, 80, 80), ('instagram:1', null, 80, 80, 80)",
    )
    change(
        empty,
        "with scope as (select set_config('app.system_reason', 'a test of migrations', true))"
        " insert into audit_log (actor, action, subject)"
        " select 'cli', action, 'limit:whatsapp:' || n from scope,"
        " (values ('limits.set', 3), ('limits.removed', 1), ('limits.set', 12)) deed (action, n)",
    )
    migrations.command.upgrade(migrations.config(empty), "0019")
    with psycopg.connect(empty) as connection:
        found = connection.execute("select key, burst, tokens from limits").fetchall()
    changed = {key: (burst, tokens) for key, burst, tokens in found if burst != 80}
    assert changed == {"whatsapp:1": (10, 10), "whatsapp:2": (10, 5)}


def test_two_migrators_at_once_both_succeed(empty, tmp_path):
    environment = {**os.environ, "DATABASE_URL": empty, "SOCIALSYNC_HOME": str(tmp_path)}
    command = [Path(sys.executable).with_name("alembic"), "upgrade", "head"]
    both = [
        subprocess.Popen(
            command,
            cwd=migrations.REPOSITORY,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=50)[0].decode() for process in both]
    assert [process.returncode for process in both] == [0, 0], "\n".join(said)
    with psycopg.connect(empty) as connection:
        assert connection.execute("table alembic_version").fetchall() == [(revisions.known()[0],)]


def test_stock_tables_are_the_librarys_but_for_appended_columns(empty, migrated):
    with psycopg.connect(empty) as connection:
        connection.execute(SchemaManager.get_schema())
        stock = librarys(catalog.read(connection))
    ours = librarys(migrated)
    assert len(stock) >= 80
    for name in REPLACED:
        trigger = f"trigger procrastinate_jobs.{name}"
        assert ours[trigger] != stock[trigger], f"{name} must be disabled, or its events double"
        stock[trigger] = ours[trigger]
    for table in ("jobs", "events", "workers"):
        assert "autovacuum" in ours[f"table procrastinate_{table}"]
        stock[f"table procrastinate_{table}"] = ours[f"table procrastinate_{table}"]
    added = {name: ours[name] for name in ours.keys() - stock.keys()}
    assert not differences({name: ours.get(name, "missing") for name in stock}, stock), (
        "Stock columns, indexes, triggers, functions and types keep name, type and meaning: users and the"
        " library rely on them. Add beside them."
    )
    for name, definition in added.items():
        kind, _, thing = name.partition(" ")
        if kind == "column":
            assert ".x_" in thing, f"{name}: columns of ours on stock tables are prefixed x_"
            assert "not null" not in definition, f"{name}: columns of ours on stock tables are nullable"
        elif kind == "trigger":
            assert ".queue_" in thing, f"{name}: triggers of ours on stock tables are prefixed queue_"
        else:
            assert kind == "index", f"{name}: we add nullable x_ columns, indexes and statement triggers"
            assert "procrastinate_jobs_x_" in thing, f"{name}: indexes of ours are prefixed x_"


def test_the_library_has_no_migration_that_installations_lack():
    """Revision 0002 takes the schema of the installed library, so an installation has that of its day."""
    newest = max(path.name for path in Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    assert newest == "03.04.00_50_post_add_retry_failed_job_procedure.sql", (
        "procrastinate has a newer migration: add a revision that applies it where it is missing, let 0002"
        " keep the old schema, and name the new one here."
    )


def test_a_disabled_trigger_and_a_changed_function_are_differences(empty):
    with psycopg.connect(empty) as connection:
        connection.execute(SchemaManager.get_schema())
        stock = librarys(catalog.read(connection))
        connection.execute(
            "alter table procrastinate_jobs disable trigger procrastinate_trigger_delete_jobs_v1"
        )
        connection.execute("alter function procrastinate_register_worker_v1 volatile security definer")
        connection.execute("alter table procrastinate_jobs alter priority set default 7")
        found = differences(librarys(catalog.read(connection)), stock)
    assert [line.split(":")[0] for line in found] == [
        "column procrastinate_jobs.priority",
        "function procrastinate_register_worker_v1()",
        "trigger procrastinate_jobs.procrastinate_trigger_delete_jobs_v1",
    ]


def test_columns_of_ours_come_after_the_stock_ones(shared):
    with psycopg.connect(shared.owner) as connection:
        columns = connection.execute(
            "select attname from pg_attribute where attrelid = 'procrastinate_jobs'::regclass"
            " and attnum > 0 and not attisdropped order by attnum"
        ).fetchall()
    ours = [name.startswith("x_") for (name,) in columns]
    assert any(ours)
    assert ours == sorted(ours), "`select * from procrastinate_jobs` must give the stock columns first"


def test_the_check_of_the_make_target_ends_with_its_verdict(empty, capsys):
    assert migrations.report(empty) == 0
    assert "up again" in capsys.readouterr().out
    assert migrations.report(empty) == 1  # not empty any more: what comes down is not what was there before
    assert "leaves behind" in capsys.readouterr().err
