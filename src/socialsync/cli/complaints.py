"""What an error is to a person. Imported when there is one: what it needs takes longer to import than most
commands take.
"""

import psycopg
from rich.console import Console
from rich.markup import escape
from sqlalchemy.exc import SQLAlchemyError

from socialsync import telemetry
from socialsync.errors import SocialSyncError


def made(error: Exception) -> bool:
    """Whether a sentence says it, on stderr now; a defect has none."""
    match error:
        case SocialSyncError():
            _complain(error.message, error.fix)
        case OSError():
            _complain(
                f"{error.strerror}: {error.filename}", "Is SOCIALSYNC_HOME a folder that you may write to?"
            )
        case psycopg.Error() | SQLAlchemyError():
            _complain(
                _first_line(error),
                "Is Postgres running and migrated? Try: socialsync db start, socialsync db upgrade.",
            )
        case _:
            return False
    return True


def _first_line(error: Exception) -> str:
    """Of what the database said, without secrets."""
    cause = getattr(error, "orig", None) or error
    return telemetry.scrub(str(cause).strip().partition("\n")[0] or type(cause).__name__)


def _complain(message: str, fix: str | None) -> None:
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(f"[red bold]Error:[/] {escape(message)}")
    if fix:
        console.print(f"[dim]{escape(fix)}[/]")
