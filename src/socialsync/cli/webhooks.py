"""``socialsync webhooks``: what Meta sent, and handling it again."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import typer

from socialsync import clock
from socialsync.cli.output import AsJson, out, show, with_resources
from socialsync.features.webhooks import service
from socialsync.features.webhooks.service import WebhookEvent
from socialsync.resources import Resources

app = typer.Typer(help="Webhooks: what Meta sent.", no_args_is_help=True)
Since = Annotated[datetime | None, typer.Option(help="Only what came since then (UTC).")]
_AT_ONCE = 100


@app.command("list")
def list_webhooks(
    since: Since = None,
    troubled: Annotated[bool, typer.Option(help="Only what has a problem or is not handled.")] = False,
    as_json: AsJson = False,
) -> None:
    """List stored bodies, oldest first, without their content.

    Example: socialsync webhooks list --troubled
    """

    async def work(resources: Resources) -> list[dict[str, Any]]:
        async with resources.database.system_transaction("the CLI lists webhooks") as session:
            found = await service.list_events(
                session, since=_utc(since), after=None, limit=1_000, troubled=troubled
            )
        return [_row(event) for event in found]

    show(with_resources(work), as_json=as_json, empty="Nothing came.")


@app.command()
def replay(
    since: Since = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what was handled well: harmless, and slow.")
    ] = False,
) -> None:
    """Handle stored bodies again: those with a problem, and those that wait.

    Example: socialsync webhooks replay --since 2026-03-04
    """

    async def work(resources: Resources) -> int:
        count, after = 0, None
        while True:
            async with resources.database.system_transaction("the CLI replays webhooks") as session:
                events = await service.list_events(
                    session, since=_utc(since), after=after, limit=_AT_ONCE, troubled=not everything
                )
                for event in events:
                    await service.replay(session, event, now=clock.now())
            count += len(events)
            if len(events) < _AT_ONCE:
                return count
            after = _last(events)

    out.print(f"Handled {with_resources(work)} again.")


def _last(events: list[WebhookEvent]) -> UUID:
    return events[-1].id


def _utc(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=clock.now().tzinfo) if at is not None else None


def _row(event: WebhookEvent) -> dict[str, Any]:
    names = ("id", "platform", "created_at", "times", "handled_at", "problem", "parts")
    return {**{name: getattr(event, name) for name in names}, "bytes": len(event.body)}
