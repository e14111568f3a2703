"""Whether an error means that Postgres is away for the moment: down, failing over, full, or out of reach."""

import psycopg
from sqlalchemy import exc

READ_ONLY = "25006"
"""SQLSTATE of a write on a standby: the fail-over is under way."""


def is_away(error: BaseException) -> bool:
    if isinstance(error, exc.OperationalError | exc.TimeoutError | psycopg.OperationalError):
        return True
    if isinstance(error, exc.DBAPIError) and error.connection_invalidated:
        return True
    return sqlstate(error) == READ_ONLY


def sqlstate(error: BaseException) -> str | None:
    """The SQLSTATE that Postgres gave, if this came from it."""
    return getattr(getattr(error, "orig", error), "sqlstate", None)
