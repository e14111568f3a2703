"""``socialsync webhooks``: what Meta sent, and handling it again."""

from collections import Counter
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import typer

from socialsync import clock, settings
from socialsync.cli import wording
from socialsync.cli.deeds import CLI
from socialsync.cli.opened import with_resources
from socialsync.cli.output import AsJson, show
from socialsync.cli.tables import print_json, print_lines
from socialsync.db import audit
from socialsync.features.webhooks import service
from socialsync.features.webhooks.service import Outcome, Which
from socialsync.platforms import PLATFORMS
from socialsync.resources import Resources

app = typer.Typer(
    help="Webhooks: what Meta sent.\n\nExample: socialsync webhooks list --troubled", no_args_is_help=True
)
Since = Annotated[datetime | None, typer.Option(help="Only what came since then (UTC).")]
Unhandled = Annotated[bool, typer.Option("--unhandled", help="Only what is not handled.")]
_AT_ONCE = 500
_COUNTED = ("statuses", "strangers", "unmatched")
_SAID: dict[Outcome, str] = {
    "handled": "went well",
    "problem": "cannot be read",
    "waiting": "wait for their messages",
    "failed": "failed by a mistake of SocialSync's, which its log tells",
}


@app.command()
def setup(as_json: AsJson = False) -> None:
    """Print what Meta's form for webhooks wants: the callback URL of each platform and the verify token.

    Example: socialsync webhooks setup
    """
    environment = settings.load()
    address = environment.public_url
    told = {platform: f"{address}/webhooks/{platform}" for platform in PLATFORMS}
    told["verify_token"] = environment.verify_token
    if as_json:
        print_json(told)
    else:
        print_lines(told)
    if not address.startswith("https://"):
        typer.echo(
            f"Meta calls nothing but HTTPS, and {address} is none: set SOCIALSYNC_PUBLIC_URL to the address"
            " at which the internet reaches this API.",
            err=True,
        )


@app.command("list")
def list_webhooks(
    since: Since = None,
    troubled: Annotated[
        bool, typer.Option("--troubled", help="Only what has a problem or is not handled.")
    ] = False,
    unhandled: Unhandled = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List stored bodies, newest first, without their content.

    Example: socialsync webhooks list --troubled
    """
    which: Which = "unhandled" if unhandled else "troubled" if troubled else "all"

    async def work(resources: Resources) -> list[dict[str, Any]]:
        async with resources.database.system_transaction("the CLI lists webhooks") as session:
            found = await service.list_events(session, since=_utc(since), which=which, limit=limit)
        return [dict(event) for event in found]

    rows = with_resources(work)
    given = [] if since is None else [f"--since {since.isoformat()}"]
    given += [] if which == "all" else [f"--{which}"]
    empty = f"Nothing matches {' '.join(given)}." if given else "Nothing came."
    show(rows if as_json else [_shown(row) for row in rows], as_json=as_json, empty=empty)


@app.command()
def replay(
    since: Since = None,
    everything: Annotated[bool, typer.Option("--all", help="Also what was handled well: harmless.")] = False,
    unhandled: Unhandled = False,
    as_json: AsJson = False,
) -> None:
    """Handle stored bodies again: those with a problem, and those that are not handled.

    Example: socialsync webhooks replay --since 2026-03-04
    """
    if everything and unhandled:
        raise typer.BadParameter("give one of them", param_hint="--all / --unhandled")
    which: Which = "all" if everything else "unhandled" if unhandled else "troubled"

    async def work(resources: Resources) -> Counter[Outcome]:
        return await _replay(resources, _utc(since), which)

    counts = with_resources(work)
    rows = [{"outcome": name, "bodies": counts[name]} for name in _SAID]
    if as_json:
        show(rows, as_json=True, empty="")
    else:
        typer.echo(_sentence(counts))
    if counts["failed"]:
        raise typer.Exit(1)


async def _replay(resources: Resources, since: datetime | None, which: Which) -> Counter[Outcome]:
    """Each in a transaction of its own: what fails hinders no other, and what is done stays done."""
    counts: Counter[Outcome] = Counter()
    after: UUID | None = None
    while True:
        async with resources.database.system_transaction("the CLI looks for webhooks to replay") as session:
            ids = await service.list_ids(session, since=since, which=which, after=after, limit=_AT_ONCE)
        for event_id in ids:
            async with resources.database.system_transaction("the CLI replays a webhook") as session:
                if outcome := await service.replay(session, event_id, now=clock.now()):
                    counts[outcome] += 1
        if len(ids) < _AT_ONCE:
            break
        after = ids[-1]
    async with resources.database.system_transaction("the CLI notes that it replayed webhooks") as session:
        detail = {"which": which, "since": since and since.isoformat(), "outcomes": dict(counts)}
        await audit.record(
            session, actor=CLI.actor, action="webhooks.replayed", subject="webhooks", detail=detail
        )
    return counts


def _sentence(counts: Counter[Outcome]) -> str:
    parts = [f"{counts[name]} {said}" for name, said in _SAID.items() if counts[name]]
    return f"Handled {counts.total()} again" + (f": {', '.join(parts)}." if parts else ".")


def _utc(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at is not None else None


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    now, parts = clock.now(), row["parts"]
    counts = {**{name: parts[name] for name in _COUNTED if name in parts}, **parts.get("unread", {})}
    if "waiting" in parts:
        counts["waiting"] = len(parts["waiting"])
    return {
        "came": wording.when(row["created_at"], now),
        "platform": row["platform"],
        "times": row["times"],
        "bytes": f"{row['bytes']:,}",
        "handled": wording.when(row["handled_at"], now) if row["handled_at"] else None,
        "parts": ", ".join(f"{count} {name}" for name, count in counts.items()),
        "problem": row["problem"],
    }
