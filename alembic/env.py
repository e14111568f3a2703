"""Alembic's door: the owner's connection, one migrator at a time, no endless waits for a lock."""

from typing import Any, Literal

import psycopg
import sqlalchemy as sa
from alembic import context

from socialsync import registry, settings, telemetry
from socialsync.ai import models as ai_models
from socialsync.db import audit, base, idempotency, urls
from socialsync.queue import models as queue_models

__all__ = ["ai_models", "audit", "idempotency", "queue_models"]  # imported for their tables

LOCK_TIMEOUT = "5s"
STATEMENT_TIMEOUT = "10min"
ONE_AT_A_TIME = 0x50C1A1
FOREIGN_PREFIXES = ("procrastinate_", "checkpoint")

registry.parts("models")

Kind = Literal["schema", "table", "column", "index", "unique_constraint", "foreign_key_constraint"]


def ours(name: str | None, kind: Kind, parents: Any) -> bool:
    """Procrastinate's (and later LangGraph's) tables are theirs: tests/db compares them with the library."""
    if kind == "foreign_key_constraint" and "_procrastinate_" in str(name):
        return False  # points at a table of theirs, which our models do not know
    table = name if kind == "table" else parents.get("table_name")
    return not str(table).startswith(FOREIGN_PREFIXES)


def migrate(connection: sa.Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=base.Base.metadata,
        include_name=ours,
        compare_type=True,
        compare_server_default=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def owner_url() -> str:
    environment = settings.load_or_exit()
    telemetry.configure(level=environment.log_level, form=environment.log_format)
    return urls.resolve(environment).owner


def run() -> None:
    given = context.config.attributes.get("connection")
    if given is not None:
        migrate(given)
        return
    url = context.config.attributes.get("url") or owner_url()
    engine = sa.create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(url, connect_timeout=10, application_name="socialsync-migrate"),
        poolclass=sa.NullPool,
    )
    with engine.connect() as connection:
        connection.execute(sa.text(f"set statement_timeout = '{STATEMENT_TIMEOUT}'"))
        connection.execute(sa.text("select pg_advisory_lock(:key)"), {"key": ONE_AT_A_TIME})
        connection.execute(sa.text(f"set lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.commit()  # session settings and the session lock outlive it
        migrate(connection)


if context.is_offline_mode():
    raise SystemExit("SocialSync migrates a live database only: run without --sql.")
run()
