"""The command line. Exit codes: 0 done, 1 failed, 2 wrong usage."""

import sys
from collections import UserDict
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group
from typing_extensions import override

import socialsync
from socialsync import later

COMMANDS = {
    "up": ("up:up", "Run everything on embedded defaults until Ctrl-C."),
    "demo": (
        "demo:demo",
        "Play a scripted story with live progress; exit status 0 only if all of it came true.",
    ),
    "serve": ("serve:serve", "Run the API."),
    "worker": (
        "worker:worker",
        "Run jobs until SIGTERM or Ctrl-C, in processes that are watched and replaced.",
    ),
    "simulator": (
        "simulator:simulator",
        "Play Meta's Graph API on this machine; GET /_sim/ tells how to drive it.",
    ),
    "bench": (
        "bench:bench",
        "Measure this installation's queue: jobs a second, and how soon an idle worker starts one.",
    ),
    "doctor": (
        "doctor:doctor",
        "Look whether everything is as it must be, and what to do where it is not. It changes nothing.",
    ),
    "db": ("database:app", "The embedded Postgres server, and migrations."),
    "workspace": ("accounts:workspaces", "Workspaces: the tenants of this installation."),
    "apikey": ("accounts:keys", "API keys."),
    "channel": ("channels:app", "Channels: WhatsApp numbers and Instagram accounts."),
    "document": ("documents:app", "Documents: what a workspace knows."),
    "webhooks": ("webhooks:app", "Webhooks: what Meta sent."),
    "inspect": ("inspect:app", "See what the queues, jobs, workers and schedules do."),
    "jobs": ("jobs:app", "Find jobs, see what became of them, run them again."),
    "revoke": ("switches:revoke", "Cancel jobs that wait; with --terminate abort those that run."),
    "purge": (
        "switches:purge",
        "Delete the jobs that wait, scheduled ones too. What runs goes on. Asks first, on a terminal.",
    ),
    "pause": ("switches:pause", "Keep all workers from starting jobs of these queues. What runs goes on."),
    "resume": ("switches:resume", "Let jobs of these queues start again."),
    "workers": ("switches:workers", "Have workers leave."),
    "schedules": ("schedules:app", "Schedules: jobs that are deferred again and again."),
    "limits": ("limits:app", "Limits by key, across all workers: jobs at once, and calls a second."),
}
"""In the order of the help: where each stands below this package, a function or a group of its own; and what
its own help begins with (a test compares them).
"""


class Commands(UserDict[str, Any]):
    """Imports a command when it is asked for: a worker's start does not wait for what the demo needs."""

    @override
    def __getitem__(self, name: str) -> Any:
        module, _, what = self.data[name][0].partition(":")
        found = getattr(later.imported(f"{__name__}.{module}"), what)
        holder = typer.Typer()
        if isinstance(found, typer.Typer):
            holder.add_typer(found, name=name)
        else:
            holder.command(name)(found)
        return get_group(holder).commands[name]


class Root(TyperGroup):
    def __init__(self, **given: Any) -> None:
        super().__init__(**{**given, "commands": Commands(COMMANDS)})

    @override
    def format_help(self, ctx: Any, formatter: Any) -> None:
        self._list_only()
        super().format_help(ctx, formatter)

    @override
    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        self._list_only()
        return super().shell_complete(ctx, incomplete)

    def _list_only(self) -> None:
        """Nothing is run any more: names and summaries are enough, and nothing of theirs is imported."""
        self.commands = {name: TyperCommand(name, help=said) for name, (_, said) in COMMANDS.items()}


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
    except Exception as error:
        if not later.imported(f"{__name__}.complaints").made(error):
            raise
        raise SystemExit(1) from error
