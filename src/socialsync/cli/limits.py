"""``socialsync limits``: how much may happen at once, and how fast, for one key across all workers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import typer
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import clock
from socialsync.cli import deeds, reading, wording
from socialsync.cli.live import Seen, View, Watch, present
from socialsync.cli.opened import with_resources
from socialsync.cli.output import AsJson
from socialsync.cli.tables import Column
from socialsync.db import audit
from socialsync.errors import NotFound
from socialsync.queue import limits
from socialsync.resources import Resources

app = typer.Typer(
    help="Limits by key, across all workers: jobs at once, and calls a second.\n\n"
    "Example: socialsync limits set workspace:01890a5d-ac96-774b-bcce-b302099a8057 --max-running 5",
    no_args_is_help=True,
)
Key = Annotated[str, typer.Argument(help="Whose jobs or calls; a workspace's jobs have workspace:<id>.")]
Limit = Mapping[str, Any]
_LIST = text("""
select key, max_running, rate_per_s, burst, case when blocked_until > clock_timestamp() then blocked_until end
    as blocked_until, (select count(*) from procrastinate_jobs
    where status = 'doing' and x_limit_key = limits.key) as running
from limits
where max_running is not null or rate_per_s is not null or blocked_until > clock_timestamp()
order by key
""")


_KEPT = text("select max_running, rate_per_s, burst from limits where key = :key for update")


@app.command("list")
def list_limits(watch: Watch = False, as_json: AsJson = False) -> None:
    """List the limits, what runs under them, and until when a platform wants a key to be left alone.

    Example: socialsync limits list --watch
    """
    empty = "No limit is set: socialsync limits set --help"
    present(View("Limits", _ask, _COLUMNS, empty, dict), as_json=as_json, watch=watch)


@app.command("set")
def set_limit(
    key: Key,
    *,
    max_running: Annotated[
        int | None,
        typer.Option(min=0, max=2**31 - 1, help="Jobs of this key that may run at once, everywhere."),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            parser=reading.rate, metavar="RATE", help="Calls to the outside: 10/s, 600/m or 1000/h."
        ),
    ] = None,
    burst: Annotated[
        float | None, typer.Option(min=1, help="Calls that may be made at once after a pause. Default: 1.")
    ] = None,
) -> None:
    """Limit a key from now on. What is left out stays as it is: a number of WhatsApp's has a rate by itself.

    Example: socialsync limits set channel:7 --max-running 5 --rate 80/s --burst 20
    """
    if max_running is None and rate is None:
        raise typer.BadParameter("say what is limited: --max-running 5, --rate 10/s, or both")
    if burst is not None and rate is None:
        raise typer.BadParameter("belongs to a rate: add --rate 10/s", param_hint="--burst")

    async def work(resources: Resources) -> None:
        async with resources.database.system_transaction("the CLI sets a limit") as session:
            given = {"max_running": max_running, "rate_per_s": rate, "burst": burst}
            if rate is not None and burst is None:
                given["burst"] = 1.0
            kept = await session.execute(_KEPT, {"key": key})
            values = {**(kept.mappings().first() or {"burst": 1.0})}
            values |= {name: value for name, value in given.items() if value is not None}
            await limits.set_limit(session, key, **values)
            await _record(session, "limits.set", key, values)

    with_resources(work)
    typer.echo(f"Limited {key}.")


@app.command()
def remove(key: Key) -> None:
    """Lift every limit of a key, also the rate that a channel has by itself.

    Example: socialsync limits remove channel:7
    """

    async def work(resources: Resources) -> None:
        async with resources.database.system_transaction("the CLI lifts a limit") as session:
            if not any(row["key"] == key for row in (await _ask(session)).rows):
                raise NotFound(f"There is no limit on {key!r}.", fix="List them: socialsync limits list")
            await limits.remove_limit(session, key)
            await _record(session, "limits.removed", key, {})

    with_resources(work)
    typer.echo(f"Lifted the limits of {key}.")


async def _ask(session: AsyncSession) -> Seen[Limit]:
    rows = await session.execute(_LIST)
    return Seen([dict(row) for row in rows.mappings()])


async def _record(session: AsyncSession, action: str, key: str, detail: dict[str, Any]) -> None:
    await audit.record(session, actor=deeds.CLI.actor, action=action, subject=f"limit:{key}", detail=detail)


def _rate(limit: Limit) -> str | None:
    rate: float | None = limit["rate_per_s"]
    if rate is None:
        return None
    for unit, size in (("s", 1), ("min", 60), ("h", 3_600)):
        if rate * size >= 1:
            return f"{rate * size:g}/{unit}"
    return f"{rate * 86_400:g}/d"


def _blocked(limit: Limit) -> str | None:
    until: datetime | None = limit["blocked_until"]
    return f"{until:%H:%M:%S} UTC, {wording.when(until, clock.now())}" if until else None


_COLUMNS = (
    Column[Limit]("key", lambda limit: str(limit["key"])),
    Column[Limit]("running", lambda limit: f"{limit['running']:,}", right=True),
    Column[Limit](
        "at most",
        lambda limit: None if limit["max_running"] is None else f"{limit['max_running']:,}",
        right=True,
    ),
    Column[Limit]("calls", _rate, right=True),
    Column[Limit](
        "burst", lambda limit: f"{limit['burst']:g}" if limit["rate_per_s"] else None, rank=1, right=True
    ),
    Column[Limit]("blocked until", _blocked, optional=True),
)
