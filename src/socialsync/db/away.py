"""Whether an error means that Postgres is away for the moment: down, failing over, full, or out of reach."""

import psycopg
from sqlalchemy import exc

from socialsync.db.sqlstates import READ_ONLY, sqlstate


def is_away(error: BaseException) -> bool:
    if isinstance(error, exc.OperationalError | exc.TimeoutError | psycopg.OperationalError):
        return True
    if isinstance(error, exc.DBAPIError) and error.connection_invalidated:
        return True
    return sqlstate(error) == READ_ONLY
