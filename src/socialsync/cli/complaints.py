"""What an error of the database's is to a person. Imported when there is one: what it needs takes longer to
import than most commands take.
"""

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from socialsync import telemetry

FIX = "Is Postgres running and migrated? Try: socialsync db start, alembic upgrade head."


def said(error: Exception) -> str | None:
    """Its first line, without secrets; None when it is not of the database."""
    if not isinstance(error, psycopg.Error | SQLAlchemyError):
        return None
    cause = getattr(error, "orig", None) or error
    return telemetry.scrub(str(cause).strip().partition("\n")[0] or type(cause).__name__)
