"""The models are what the migrations make: to the check constraint, the default and the index."""

import importlib
import pkgutil

import pytest
import sqlalchemy as sa

import socialsync.db
from socialsync import registry
from socialsync.ai import models as ai_models
from socialsync.db.base import Base
from socialsync.db.embedded import OWNER, EmbeddedServer
from socialsync.queue import models as queue_models
from tests import cluster, migrations
from tests.db.catalog import Catalog, differences
from tests.house.source import comply

COMPARED = ("table", "column", "index", "constraint")
HOW = (
    "Models and migrations say the same: change both, the migration by a new revision once one is released."
    " (Walls, privileges, triggers and functions are the migrations' alone.)"
)

INDEXED_FUNCTIONS = """
create function passage_keys(workspace uuid, words tsvector) returns bigint[] immutable
return cast(null as bigint[])
"""


@pytest.fixture(scope="module")
def modelled(server: EmbeddedServer) -> Catalog:
    """A database made from the models."""
    load_all_models()
    with cluster.created(server) as name:
        url = server.url(OWNER, name)
        engine = sa.create_engine("postgresql+psycopg://", creator=lambda: migrations.psycopg.connect(url))
        with engine.begin() as connection:
            connection.execute(sa.text("create extension vector"))
            connection.execute(sa.text(INDEXED_FUNCTIONS))
        Base.metadata.create_all(engine)
        engine.dispose()
        return tables_of_models(migrations.objects(url))


def load_all_models() -> None:
    registry.parts("models")
    assert queue_models.Schedule
    assert ai_models.AiCall
    for module in pkgutil.iter_modules(socialsync.db.__path__):
        if module.name != "ddl":
            importlib.import_module(f"socialsync.db.{module.name}")


def tables_of_models(found: Catalog) -> Catalog:
    """Tables, columns, constraints and indexes of the tables that have a model, without their walls and
    without references to the library's tables, which no model knows.
    """

    def belongs(name: str, definition: str) -> bool:
        kind, thing = name.split(" ", 1)
        if " REFERENCES procrastinate_" in definition:
            return False
        table = definition.split(" ON ")[1].split(maxsplit=1)[0] if kind == "index" else thing.split(".")[0]
        return kind in COMPARED and table.removeprefix("public.") in Base.metadata.tables

    return {
        name: "" if name.startswith("table ") else definition
        for name, definition in found.items()
        if belongs(name, definition)
    }


def test_what_the_models_make_is_what_the_migrations_make(shared, modelled):
    migrated = tables_of_models(migrations.objects(shared.owner))
    found = differences(modelled, migrated)
    assert not found, comply(found, f"(here: the models, there: the migrations) {HOW}")


def test_there_is_something_to_compare(modelled):
    assert {"table posts", "table schedules", "table audit_log", "table workspaces"} <= modelled.keys()
    assert {name.split()[0] for name in modelled} == set(COMPARED)


def test_alembic_sees_nothing_to_migrate(shared):
    load_all_models()
    migrations.check_agreement(shared.owner)


def test_every_table_is_a_models_or_the_librarys(shared):
    load_all_models()
    tables = {
        name.removeprefix("table ") for name in migrations.objects(shared.owner) if name.startswith("table ")
    }
    foreign = {
        name for name in tables if name.startswith(("procrastinate_", "alembic_version", "checkpoint"))
    }
    assert tables - foreign == Base.metadata.tables.keys(), HOW
