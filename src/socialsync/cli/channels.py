"""``socialsync channel``: connections to WhatsApp numbers and Instagram accounts."""

import sys
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import clock
from socialsync.cli.output import AsJson, out, show, with_resources
from socialsync.errors import NotFound
from socialsync.features.accounts import service as accounts
from socialsync.features.channels import service
from socialsync.resources import Resources

app = typer.Typer(help="Channels: WhatsApp numbers and Instagram accounts.", no_args_is_help=True)
Workspace = Annotated[str, typer.Option(help="Name or id of the workspace.")]
Token = Annotated[
    str | None,
    typer.Option(envvar="SOCIALSYNC_CHANNEL_TOKEN", help="Access token; `-` reads it from standard input."),
]


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
    """List a workspace's channels, without their tokens."""

    async def work(resources: Resources) -> list[dict[str, object]]:
        async with resources.database.transaction(await _workspace(resources, workspace)) as session:
            found = await service.list_channels(session, before=None, limit=1000)
        names = ("id", "platform", "name", "external_id", "status")
        return [{column: getattr(row, column) for column in names} for row in found]

    show(with_resources(work), as_json=as_json, empty="No channel yet: socialsync channel add --help")


@app.command()
def edit(
    channel: Annotated[UUID, typer.Argument(help="The channel's id.")],
    *,
    workspace: Workspace,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    token: Token = None,
) -> None:
    """Change a channel's name or token; a new token makes it active again."""
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

    with_resources(work)
    out.print("Changed.")


def _token(given: str | None) -> str:
    if given == "-":
        return sys.stdin.readline().strip()
    return given if given is not None else typer.prompt("Access token", hide_input=True)


async def _workspace(resources: Resources, name: str) -> UUID:
    async with resources.database.system_transaction("the CLI looks a workspace up by name") as session:
        return await workspace_id_of(session, name)


async def workspace_id_of(session: AsyncSession, name: str) -> UUID:
    """Raises NotFound."""
    found = await accounts.find_workspace(session, name)
    if found is None:
        raise NotFound(f"There is no workspace {name!r}.", fix="socialsync workspace list")
    return found.id
