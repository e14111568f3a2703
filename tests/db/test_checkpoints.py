"""The tables of LangGraph's checkpoints are those that the installed version makes itself, and are walled."""

import psycopg
from langgraph.checkpoint.postgres.base import BasePostgresSaver

from socialsync.db.embedded import OWNER
from tests import cluster, migrations


def checkpoints(found):
    return {
        name: definition
        for name, definition in found.items()
        if name.startswith(("column", "index", "constraint")) and "checkpoint" in name.split()[1]
    }


def is_ours(name: str) -> bool:
    return name.endswith(("workspace_id", "_check"))


def test_our_tables_are_those_of_the_installed_version(server, shared):
    with cluster.created(server) as name:
        url = server.url(OWNER, name)
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in BasePostgresSaver.MIGRATIONS:
                connection.execute(statement)
        theirs = checkpoints(migrations.objects(url))
    ours = checkpoints(migrations.objects(shared.owner))
    assert theirs
    assert {name: definition for name, definition in ours.items() if not is_ours(name)} == theirs


def test_the_library_finds_nothing_left_to_migrate(shared):
    with psycopg.connect(shared.owner) as connection:
        (last,) = connection.execute("select max(v) from checkpoint_migrations").fetchone()
    assert last == len(BasePostgresSaver.MIGRATIONS) - 1
