"""``socialsync channel``: connections to WhatsApp numbers and Instagram accounts."""

import sys
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.text import Text
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import clock
from socialsync.cli import wording
from socialsync.cli.opened import with_resources
from socialsync.cli.output import AsJson, out
from socialsync.cli.tables import Column, print_rows
from socialsync.errors import NotFound
from socialsync.features.accounts import service as accounts
from socialsync.features.channels import service
from socialsync.features.posts import reopening
from socialsync.resources import Resources

app = typer.Typer(help="Channels: WhatsApp numbers and Instagram accounts.", no_args_is_help=True)
Row = Mapping[str, Any]
_SHOWN = (
    "id", "platform", "name", "external_id", "status", "status_reason", "paused_at", "token_expires_at",
)  # fmt: skip
Workspace = Annotated[str, typer.Option(help="Name or id of the workspace.")]
_HOW_GIVEN = "Access token; `-` reads it from standard input, on a terminal without showing it."
Token = Annotated[str | None, typer.Option(envvar="SOCIALSYNC_CHANNEL_TOKEN", help=_HOW_GIVEN)]
NewToken = Annotated[str | None, typer.Option(help=_HOW_GIVEN)]


class Platform(StrEnum):
    WHATSAPP = "whatsapp"
    INSTAGRAM = "instagram"


@app.command()
def add(
    platform: Annotated[Platform, typer.Argument()],
    external_id: Annotated[str, typer.Argument(help="WhatsApp phone number id, or Instagram user id.")],
    *,
    workspace: Workspace,
    name: Annotated[str, typer.Option(help="How people call it.")],
    token: Token = None,
) -> None:
    """Connect a channel and print its id."""
    secret = _token(token)

    async def work(resources: Resources) -> UUID:
        workspace_id = await _workspace(resources, workspace)
        async with resources.database.transaction(workspace_id) as session:
            new = {"platform": platform.value, "name": name, "external_id": external_id}
            created = await service.connect(
                session, resources.cipher, workspace_id, new, access_token=secret, actor="cli"
            )
            return created.id

    typer.echo(with_resources(work))


@app.command("list")
def list_channels(workspace: Workspace, as_json: AsJson = False) -> None:
    """List a workspace's channels, without their tokens.

    Example: socialsync channel list --workspace Bakery
    """

    async def work(resources: Resources) -> list[Row]:
        async with resources.database.transaction(await _workspace(resources, workspace)) as session:
            found = await service.list_channels(session, before=None, limit=1000)
        return [{column: getattr(row, column) for column in _SHOWN} for row in found]

    empty = "No channel yet: socialsync channel add --help"
    print_rows(_COLUMNS, with_resources(work), as_json=as_json, empty=empty)


@app.command()
def edit(
    channel: Annotated[UUID, typer.Argument(help="The channel's id.")],
    *,
    workspace: Workspace,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    token: NewToken = None,
    paused: Annotated[
        bool | None,
        typer.Option("--pause/--resume", help="Have its posts wait, or go on.", show_default=False),
    ] = None,
) -> None:
    """Change a channel's name or token, pause or resume it. A new token makes it active again.

    Example: socialsync channel edit 01890a5d-ac96-774b-bcce-b302099a8057 --workspace Bakery --token -
    """
    if name is None and token is None and paused is None:
        raise typer.BadParameter("say what is to change: --name, --token -, --pause or --resume")
    changes = {} if name is None else {"name": name}
    secret = None if token is None else _token(token)

    async def work(resources: Resources) -> None:
        workspace_id = await _workspace(resources, workspace)
        async with resources.database.transaction(workspace_id) as session:
            await service.change(
                session,
                resources.cipher,
                channel,
                changes,
                access_token=secret,
                actor="cli",
                now=clock.now(),
            )
            if paused is not None:
                switch = service.pause if paused else reopening.resume_channel
                await switch(session, channel, actor="cli", now=clock.now())

    with_resources(work)
    out.print("Changed.")


def _status(row: Row) -> Text:
    words, style = str(row["status"]).replace("_", " "), "" if row["status"] == "active" else "red"
    return Text(f"{words}, paused", style or "yellow") if row["paused_at"] else Text(words, style)


def _token_end(row: Row) -> str | None:
    ends: datetime | None = row["token_expires_at"]
    return wording.when(ends, clock.now()) if ends else None


def _token(given: str | None) -> str:
    if given not in (None, "-"):
        return given
    if given == "-" and not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    secret: str = typer.prompt("Access token", hide_input=True)
    return secret


async def _workspace(resources: Resources, name: str) -> UUID:
    async with resources.database.system_transaction("the CLI looks a workspace up by name") as session:
        return await workspace_id_of(session, name)


async def workspace_id_of(session: AsyncSession, name: str) -> UUID:
    """Raises NotFound."""
    found = await accounts.find_workspace(session, name)
    if found is None:
        raise NotFound(f"There is no workspace {name!r}.", fix="socialsync workspace list")
    return found.id


_COLUMNS = (
    Column[Row]("id", lambda row: str(row["id"])),
    Column[Row]("platform", lambda row: row["platform"], rank=3),
    Column[Row]("name", lambda row: row["name"], flexible=True),
    Column[Row]("account", lambda row: row["external_id"], rank=4),
    Column[Row]("status", _status),
    Column[Row]("token ends", _token_end, rank=2, optional=True),
    Column[Row]("why", lambda row: row["status_reason"], rank=1, flexible=True, optional=True),
)
