"""``socialsync schedules``: what is deferred again and again."""

from typing import Annotated, Any

import typer

from socialsync import settings
from socialsync.cli import reading, state_views, tasks
from socialsync.cli.deeds import CLI
from socialsync.cli.live import Watch, present
from socialsync.cli.opened import with_resources
from socialsync.cli.output import AsJson
from socialsync.features.operations.schemas import NewSchedule, ScheduleChanges
from socialsync.queue import switches
from socialsync.queue.schedules import New
from socialsync.resources import Resources

app = typer.Typer(
    help="Schedules: jobs that are deferred again and again.\n\n"
    "Example: socialsync schedules add often operations.health_check --every 30s",
    no_args_is_help=True,
)
Name = Annotated[str, typer.Argument(help="The schedule's name.")]
Cron = Annotated[str | None, typer.Option(help="Cron expression, five fields or six with seconds last.")]
Every = Annotated[
    float | None,
    typer.Option(parser=reading.seconds, metavar="DURATION", help="Between ticks: 30, 0.5, 500ms, 5m, 2h."),
]
Args = Annotated[
    dict[str, Any] | None,
    typer.Option(parser=reading.json_object, metavar="JSON", help="The job's arguments, a JSON object."),
]
Queue = Annotated[str | None, typer.Option("-q", "--queue", help="Another queue than the task's.")]
Expires = Annotated[
    float | None,
    typer.Option(
        parser=reading.seconds,
        metavar="DURATION",
        help="A job that still waits so long after its tick is dropped.",
    ),
]
_OPTIONS = {"name": "NAME", "task": "TASK", "every_s": "--every", "expires_s": "--expires"}


@app.command("list")
def list_all(watch: Watch = False, as_json: AsJson = False) -> None:
    """List the schedules, when each comes next, and which are overdue.

    Example: socialsync schedules list
    """
    present(state_views.schedules(), as_json=as_json, watch=watch)


@app.command()
def add(
    name: Name,
    task: Annotated[str, typer.Argument(help="The task's name, e.g. operations.health_check; your own too.")],
    *,
    cron: Cron = None,
    every: Every = None,
    timezone: Annotated[str, typer.Option(help="IANA time zone that cron is read in.")] = "UTC",
    args: Args = None,
    queue: Queue = None,
    expires: Expires = None,
    disabled: Annotated[bool, typer.Option("--disabled", help="Don't let it tick yet.")] = False,
) -> None:
    """Add a schedule, by --cron or by --every.

    Example: socialsync schedules add nightly shop.report --cron '0 3 * * *' --timezone Europe/Paris
    """
    if (cron is None) == (every is None):
        raise typer.BadParameter("give one of them", param_hint="--cron / --every")
    given = {
        "name": name, "task": task, "cron": cron, "every_s": every, "timezone": timezone, "args": args or {},
        "queue": queue, "expires_s": expires, "enabled": not disabled,
    }  # fmt: skip
    new = New(**reading.checked(NewSchedule, given, _OPTIONS).model_dump())
    tasks.load(settings.load().procrastinate_app)

    async def work(resources: Resources) -> None:
        async with resources.database.system_transaction("the CLI adds a schedule") as session:
            await switches.add_schedule(session, new, CLI)

    with_resources(work)
    typer.echo(f"Added {name}.")


@app.command()
def edit(
    name: Name,
    *,
    task: Annotated[str | None, typer.Option(help="Another task.")] = None,
    cron: Cron = None,
    every: Every = None,
    timezone: Annotated[str | None, typer.Option(help="IANA time zone that cron is read in.")] = None,
    args: Args = None,
    queue: Queue = None,
    own_queue: Annotated[bool, typer.Option("--own-queue", help="The task's own queue again.")] = False,
    expires: Expires = None,
    no_expiry: Annotated[bool, typer.Option("--no-expiry", help="Its jobs wait for ever.")] = False,
) -> None:
    """Change what is named; the rest stays. A new rule counts from now.

    Example: socialsync schedules edit often --every 5m --expires 4m
    """
    if cron is not None and every is not None:
        raise typer.BadParameter("give one of them", param_hint="--cron / --every")
    if (queue is not None and own_queue) or (expires is not None and no_expiry):
        raise typer.BadParameter("one says what the other takes away", param_hint="--own-queue / --no-expiry")
    given = {
        "task": task, "cron": cron, "every_s": every, "timezone": timezone, "args": args, "queue": queue,
        "expires_s": expires,
    }  # fmt: skip
    cleared = {field for field, wanted in (("queue", own_queue), ("expires_s", no_expiry)) if wanted}
    changes = {field: value for field, value in given.items() if value is not None or field in cleared}
    if not changes:
        raise typer.BadParameter("say what to change, e.g. --every 5m")
    body = reading.checked(ScheduleChanges, changes, {**_OPTIONS, "task": "--task"})
    tasks.load(settings.load().procrastinate_app)

    async def work(resources: Resources) -> None:
        async with resources.database.system_transaction("the CLI edits a schedule") as session:
            await switches.edit_schedule(session, name, body.given(), CLI)

    with_resources(work)
    typer.echo(f"Edited {name}.")


@app.command()
def run(name: Name) -> None:
    """Defer the schedule's job now, besides its ticks; prints the job's id.

    Example: socialsync schedules run often
    """
    tasks.load(settings.load().procrastinate_app)

    async def work(resources: Resources) -> int:
        async with resources.database.system_transaction("the CLI runs a schedule now") as session:
            return await switches.run_schedule(session, name, CLI)

    typer.echo(with_resources(work))


@app.command()
def enable(name: Name) -> None:
    """Let a schedule tick again, from now on.

    Example: socialsync schedules enable often
    """
    _switch(name, enabled=True)


@app.command()
def disable(name: Name) -> None:
    """Keep a schedule from ticking.

    Example: socialsync schedules disable often
    """
    _switch(name, enabled=False)


@app.command()
def remove(name: Name) -> None:
    """Remove a schedule for good.

    Example: socialsync schedules remove often
    """

    async def work(resources: Resources) -> None:
        async with resources.database.system_transaction("the CLI removes a schedule") as session:
            await switches.remove_schedule(session, name, CLI)

    with_resources(work)
    typer.echo(f"Removed {name}.")


def _switch(name: str, *, enabled: bool) -> None:
    tasks.load(settings.load().procrastinate_app)

    async def work(resources: Resources) -> None:
        async with resources.database.system_transaction("the CLI switches a schedule") as session:
            await switches.edit_schedule(session, name, {"enabled": enabled}, CLI)

    with_resources(work)
    typer.echo(f"{'Enabled' if enabled else 'Disabled'} {name}.")
