"""The command line. Exit codes: 0 done, 1 failed, 2 wrong usage."""

import sys
from typing import Annotated

import psycopg
import typer
from rich.console import Console
from rich.markup import escape
from sqlalchemy.exc import SQLAlchemyError

import socialsync
from socialsync import telemetry
from socialsync.cli import (
    accounts,
    bench,
    channels,
    database,
    demo,
    doors,
    inspect,
    jobs,
    limits,
    schedules,
    switches,
    up,
    worker,
)
from socialsync.errors import SocialSyncError

app = typer.Typer(
    name="socialsync",
    help="Publishes posts, answers DMs and moderates comments, on one Postgres and nothing else.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("up")(up.up)
app.command("demo")(demo.demo)
app.command("serve")(doors.serve)
app.command("worker")(worker.worker)
app.command("simulator")(doors.simulator)
app.command("bench")(bench.bench)
app.add_typer(database.app, name="db")
app.add_typer(accounts.workspaces, name="workspace")
app.add_typer(accounts.keys, name="apikey")
app.add_typer(channels.app, name="channel")
app.add_typer(inspect.app, name="inspect")
app.add_typer(jobs.app, name="jobs")
app.command("revoke")(switches.revoke)
app.command("purge")(switches.purge)
app.command("pause")(switches.pause)
app.command("resume")(switches.resume)
app.add_typer(switches.workers, name="workers")
app.add_typer(schedules.app, name="schedules")
app.add_typer(limits.app, name="limits")


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
