"""``socialsync schedules``: what is deferred again and again."""

import json
from typing import Annotated, Any

import typer

from socialsync.cli.output import AsJson, out, show, with_resources
from socialsync.db import audit
from socialsync.queue import schedules
from socialsync.resources import Resources

app = typer.Typer(help="Schedules: jobs that are deferred again and again.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The schedule's name.")]
Cron = Annotated[str | None, typer.Option(help="Cron expression, five fields or six with seconds last.")]
Every = Annotated[float | None, typer.Option("--every", help="Seconds between ticks, fractions allowed.")]


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List the schedules and when each comes next."""

    async def work(resources: Resources) -> list[dict[str, object]]:
        async with resources.database.system_transaction("the CLI lists schedules") as session:
            return [
                {
                    "name": row.name,
                    "task": row.task,
                    "when": f"{row.cron} {row.timezone}" if row.cron else f"every {row.every_s:g} s",
                    "enabled": row.enabled,
                    "next_at": row.next_at.isoformat(timespec="seconds"),
                    "last_at": row.last_at.isoformat(timespec="seconds") if row.last_at else None,
                }
                for row in await schedules.list_schedules(session)
            ]

    show(with_resources(work), as_json=as_json, empty="No schedule yet: they come with the first worker.")


@app.command()
def add(
    name: Name,
    task: Annotated[str, typer.Argument(help="The task's name, e.g. operations.health_check.")],
    *,
    cron: Cron = None,
    every: Every = None,
    timezone: Annotated[str, typer.Option(help="IANA time zone that cron is read in.")] = "UTC",
    args: Annotated[str, typer.Option(help="The job's arguments, a JSON object.")] = "{}",
    queue: Annotated[str | None, typer.Option(help="Another queue than the task's.")] = None,
    expires: Annotated[
        float | None, typer.Option(help="Seconds after which a job that still waits is dropped.")
    ] = None,
) -> None:
    """Add a schedule."""
    try:
        arguments: dict[str, Any] = json.loads(args)
    except json.JSONDecodeError:
        arguments = {}
        args = ""
    if not args or not isinstance(arguments, dict):
        raise typer.BadParameter("--args is not a JSON object, e.g. '{\"a\": 1}'")
    new = schedules.New(
        name=name, task=task, cron=cron, every_s=every, timezone=timezone, args=arguments, queue=queue,
        expires_s=expires,
    )  # fmt: skip

    async def work(resources: Resources) -> None:
        async with resources.database.system_transaction("the CLI adds a schedule") as session:
            await schedules.add(session, new)
            await audit.record(session, actor="cli", action="schedules.added", subject=f"schedule:{name}")

    with_resources(work)
    out.print(f"Added {name}.")


@app.command()
def edit(name: Name, cron: Cron = None, every: Every = None) -> None:
    """Give a schedule another rule, counted from now."""

    async def work(resources: Resources) -> None:
        async with resources.database.system_transaction("the CLI edits a schedule") as session:
            await schedules.change_rule(session, name, cron=cron, every_s=every)
            await audit.record(session, actor="cli", action="schedules.edited", subject=f"schedule:{name}")

    with_resources(work)
    out.print(f"Edited {name}.")


@app.command()
def run(name: Name) -> None:
    """Defer the schedule's job now, besides its ticks; prints the job's id."""

    async def work(resources: Resources) -> int:
        async with resources.database.system_transaction("the CLI runs a schedule now") as session:
            job_id = await schedules.run_now(session, name)
            await audit.record(session, actor="cli", action="schedules.run", subject=f"schedule:{name}")
            return job_id

    typer.echo(with_resources(work))


@app.command()
def enable(name: Name) -> None:
    """Let a schedule tick again, from now on."""
    _switch(name, enabled=True)


@app.command()
def disable(name: Name) -> None:
    """Keep a schedule from ticking."""
    _switch(name, enabled=False)


@app.command()
def remove(name: Name) -> None:
    """Remove a schedule for good."""

    async def work(resources: Resources) -> None:
        async with resources.database.system_transaction("the CLI removes a schedule") as session:
            await schedules.remove(session, name)
            await audit.record(session, actor="cli", action="schedules.removed", subject=f"schedule:{name}")

    with_resources(work)
    out.print(f"Removed {name}.")


def _switch(name: str, *, enabled: bool) -> None:
    verb = "enabled" if enabled else "disabled"

    async def work(resources: Resources) -> None:
        async with resources.database.system_transaction("the CLI switches a schedule") as session:
            await schedules.set_enabled(session, name, enabled=enabled)
            await audit.record(session, actor="cli", action=f"schedules.{verb}", subject=f"schedule:{name}")

    with_resources(work)
    out.print(f"{verb.capitalize()} {name}.")
