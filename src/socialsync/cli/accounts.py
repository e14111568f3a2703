"""``socialsync workspace`` and ``socialsync apikey``."""

from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import typer

from socialsync import clock
from socialsync.cli import wording
from socialsync.cli.opened import with_resources
from socialsync.cli.output import AsJson, out, show
from socialsync.cli.tables import Column, print_rows
from socialsync.errors import Invalid, NotFound
from socialsync.features.accounts import service
from socialsync.resources import Resources

workspaces = typer.Typer(help="Workspaces: the tenants of this installation.", no_args_is_help=True)
keys = typer.Typer(help="API keys.", no_args_is_help=True)

Row = dict[str, Any]


class Role(StrEnum):
    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


@workspaces.command("create")
def create_workspace(
    name: Annotated[str, typer.Argument(help="Its name, unique in this installation.")],
    timezone: Annotated[str, typer.Option(help="IANA time zone of its days.")] = "UTC",
) -> None:
    """Create a workspace and print its id."""

    async def work(resources: Resources) -> UUID:
        async with resources.database.system_transaction("the CLI creates a workspace") as session:
            if await service.find_workspace(session, name):
                raise Invalid(f"A workspace named {name!r} exists already.", fix="Choose another name.")
            return (await service.create_workspace(session, name=name, timezone=timezone)).id

    typer.echo(with_resources(work))


@workspaces.command("list")
def list_workspaces(as_json: AsJson = False) -> None:
    """List the workspaces."""

    async def work(resources: Resources) -> list[dict[str, object]]:
        async with resources.database.system_transaction("the CLI lists workspaces") as session:
            found = await service.list_workspaces(session)
        return [{"id": row.id, "name": row.name, "timezone": row.timezone} for row in found]

    show(with_resources(work), as_json=as_json, empty="No workspace yet: socialsync workspace create NAME")


@keys.command("create")
def create_key(
    workspace: Annotated[str | None, typer.Option(help="Name or id of the key's workspace.")] = None,
    installation: Annotated[
        bool, typer.Option("--installation", help="A key for the whole installation instead.")
    ] = False,
    role: Annotated[Role, typer.Option(help="What the key may do.")] = Role.ADMIN,
    name: Annotated[str, typer.Option(help="What the key is for.")] = "cli",
) -> None:
    """Create an API key and print it, once."""
    if (workspace is None) == (not installation):
        raise typer.BadParameter("give --workspace NAME or --installation, not both")

    async def work(resources: Resources) -> str:
        async with resources.database.system_transaction("the CLI creates an API key") as session:
            owner = None
            if workspace is not None:
                owner = await service.find_workspace(session, workspace)
                if owner is None:
                    raise NotFound(f"There is no workspace {workspace!r}.", fix="socialsync workspace list")
            created = await service.create_key(
                session, role=role.value, name=name, workspace_id=owner.id if owner else None
            )
            return created.key

    typer.echo(with_resources(work))


@keys.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """List the keys by their first characters; the keys themselves are nowhere."""

    async def work(resources: Resources) -> list[Row]:
        async with resources.database.system_transaction("the CLI lists API keys") as session:
            return [
                {
                    "id": row.id,
                    "prefix": row.prefix,
                    "role": row.role,
                    "name": row.name,
                    "workspace_id": row.workspace_id or "installation",
                    "revoked_at": row.revoked_at,
                }
                for row in await service.list_keys(session)
            ]

    empty = "No key yet: socialsync apikey create --workspace NAME"
    print_rows(_KEYS, with_resources(work), as_json=as_json, empty=empty)


@keys.command("revoke")
def revoke_key(prefix: Annotated[str, typer.Argument(help="The key's first characters, or its id.")]) -> None:
    """Revoke a key; it stops working within seconds."""

    async def work(resources: Resources) -> int:
        async with resources.database.system_transaction("the CLI revokes an API key") as session:
            return await service.revoke_key(session, prefix)

    out.print(f"Revoked {with_resources(work)} key(s).")


def _revoked(row: Row) -> str | None:
    return wording.when(row["revoked_at"], clock.now()) if row["revoked_at"] else None


_KEYS = (
    Column[Row]("prefix", lambda row: row["prefix"]),
    Column[Row]("role", lambda row: row["role"]),
    Column[Row]("name", lambda row: row["name"], flexible=True),
    Column[Row]("workspace", lambda row: str(row["workspace_id"])),
    Column[Row]("revoked", _revoked, rank=1, optional=True),
    Column[Row]("id", lambda row: str(row["id"]), rank=2),
)
