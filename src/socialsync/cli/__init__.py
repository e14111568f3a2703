"""The command line. Exit codes: 0 done, 1 failed, 2 wrong usage."""

import importlib
import sys
from collections import UserDict
from typing import Annotated, Any

import psycopg
import typer
from rich.console import Console
from rich.markup import escape
from sqlalchemy.exc import SQLAlchemyError
from typer.core import TyperGroup
from typer.main import get_group
from typing_extensions import override

import socialsync
from socialsync import telemetry
from socialsync.errors import SocialSyncError

COMMANDS = {
    "up": "up:up",
    "demo": "demo:demo",
    "serve": "doors:serve",
    "worker": "worker:worker",
    "simulator": "doors:simulator",
    "bench": "bench:bench",
    "doctor": "doctor:doctor",
    "db": "database:app",
    "workspace": "accounts:workspaces",
    "apikey": "accounts:keys",
    "channel": "channels:app",
    "document": "documents:app",
    "webhooks": "webhooks:app",
    "inspect": "inspect:app",
    "jobs": "jobs:app",
    "revoke": "switches:revoke",
    "purge": "switches:purge",
    "pause": "switches:pause",
    "resume": "switches:resume",
    "workers": "switches:workers",
    "schedules": "schedules:app",
    "limits": "limits:app",
}
"""In the order of the help: where each stands below this package, a function or a group of its own."""


class Commands(UserDict[str, Any]):
    """Imports a command when it is asked for: a worker's start does not wait for what the demo needs."""

    @override
    def __getitem__(self, name: str) -> Any:
        module, _, what = self.data[name].partition(":")
        found = getattr(importlib.import_module(f"{__name__}.{module}"), what)
        holder = typer.Typer()
        if isinstance(found, typer.Typer):
            holder.add_typer(found, name=name)
        else:
            holder.command(name)(found)
        return get_group(holder).commands[name]


class Root(TyperGroup):
    def __init__(self, **given: Any) -> None:
        super().__init__(**{**given, "commands": Commands(COMMANDS)})


app = typer.Typer(
    cls=Root,
    name="socialsync",
    help="Publishes posts, answers DMs and moderates comments, on one Postgres and nothing else.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"socialsync {socialsync.__version__}\n")
        raise typer.Exit


@app.callback()
def root(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """What every command shares."""


def main() -> None:
    """Run a command; what goes wrong is a sentence on stderr, never a traceback."""
    try:
        app()
    except SocialSyncError as error:
        _complain(error.message, error.fix)
    except OSError as error:
        _complain(f"{error.strerror}: {error.filename}", "Is SOCIALSYNC_HOME a folder that you may write to?")
    except (psycopg.OperationalError, SQLAlchemyError) as error:
        cause = getattr(error, "orig", None) or error
        _complain(
            telemetry.scrub(str(cause).strip().splitlines()[0]),
            "Is Postgres running and migrated? Try: socialsync db start, alembic upgrade head.",
        )


def _complain(message: str, fix: str | None) -> None:
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(f"[red bold]Error:[/] {escape(message)}")
    if fix:
        console.print(f"[dim]{escape(fix)}[/]")
    raise SystemExit(1)
