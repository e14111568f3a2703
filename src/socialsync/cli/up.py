"""``socialsync up``: everything on this machine, with a demo workspace to play with."""

import asyncio
import contextlib
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from socialsync import registry
from socialsync.cli import stack
from socialsync.features.accounts import service as accounts
from socialsync.features.channels import service as channels
from socialsync.resources import Resources, open_resources
from socialsync.settings import Settings, write_private

WORKSPACE = "Demo"
PLATFORM_NAMES = {"instagram": "Instagram", "whatsapp": "WhatsApp"}
CHANNELS = (
    {"platform": "instagram", "name": "Demo Instagram", "external_id": "17841400000000001"},
    {"platform": "whatsapp", "name": "Demo WhatsApp", "external_id": "106540352242922"},
)
TOKEN = "demo-token-of-the-simulator"  # noqa: S105 - the simulator takes any
_console = Console(stderr=True, highlight=False)


@dataclass(frozen=True)
class Demo:
    """The demo workspace: a key that opens it, and its channels' ids by platform."""

    workspace_id: UUID
    key: str
    channels: dict[str, UUID]


def up(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of API and docs.")] = 8000,
) -> None:
    """Run everything on embedded defaults until Ctrl-C."""
    asyncio.run(_up(port))


async def _up(port: int) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    starting = asyncio.create_task(_serve(port, stopping))
    await starting
    _console.print("[green]Stopped.[/] Your data is kept; `make up` goes on with it.")


async def _serve(port: int, stopping: asyncio.Event) -> None:
    async with stack.running(lambda what: _console.print(f"[dim]Starting[/] {what} ..."), port=port) as found:
        demo = await make_demo(found.settings)
        Console(highlight=False).print(_welcome(found, demo))
        ended = asyncio.create_task(found.ended())
        stopped = asyncio.create_task(stopping.wait())
        await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            name = ended.result()
            code = found.processes[name].returncode
            _console.print(f"[red]The {name} process ended by itself (status {code}); stopping the rest.[/]")
        for task in (ended, stopped):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        _console.print("\nStopping ...")
        if not stopping.is_set():
            raise typer.Exit(1)


async def make_demo(settings: Settings) -> Demo:
    """The demo workspace, made on the first call; its key is kept in the home, readable by its owner only."""
    registry.load()
    path = settings.home / "secrets" / "demo_api_key"
    async with open_resources(settings) as resources:
        key, workspace_id = await _known(resources, path) or await _new(resources, path)
        return Demo(workspace_id, key, await _channels(resources, workspace_id))


async def _known(resources: Resources, path: Path) -> tuple[str, UUID] | None:
    """The kept key and the workspace that it opens, whatever that is called by now."""
    key = _read(path)
    if key is None:
        return None
    with contextlib.suppress(accounts.UnknownKey):
        principal = await accounts.authenticate(resources.database, key)
        if principal.workspace_id is not None:
            return key, principal.workspace_id
    return None


async def _new(resources: Resources, path: Path) -> tuple[str, UUID]:
    async with resources.database.system_transaction("`up` makes its demo workspace and key") as session:
        workspace = await accounts.find_workspace(session, WORKSPACE)
        workspace = workspace or await accounts.create_workspace(session, name=WORKSPACE)
        made = await accounts.create_key(session, role="admin", name="demo", workspace_id=workspace.id)
    _keep(path, made.key)
    return made.key, workspace.id


def _read(path: Path) -> str | None:
    return path.read_text().strip() if path.exists() else None


def _keep(path: Path, key: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    write_private(path, key)


async def _channels(resources: Resources, workspace_id: UUID) -> dict[str, UUID]:
    async with resources.database.transaction(workspace_id) as session:
        there = {
            row.platform: row.id for row in await channels.list_channels(session, before=None, limit=100)
        }
        for new in CHANNELS:
            if new["platform"] not in there:
                row = await channels.connect(
                    session, resources.cipher, workspace_id, new, access_token=TOKEN, actor="up"
                )
                there[row.platform] = row.id
        return there


def _welcome(found: stack.Stack, demo: Demo) -> Panel:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("Open", f"[link]{found.api}[/link]")
    table.add_row("Sign in", "press [bold]Authorize[/] there and paste the API key")
    table.add_row("API key", demo.key)
    for platform, channel_id in sorted(demo.channels.items()):
        table.add_row(f"{PLATFORM_NAMES[platform]} channel", str(channel_id))
    table.add_row("Workspace", str(demo.workspace_id))
    table.add_row("Connect Meta", "socialsync webhooks setup")
    table.add_row("Outside world", found.simulator or found.settings.whatsapp_graph)
    table.add_row("Data", str(found.settings.home))
    return Panel(table, title="SocialSync is up", subtitle="Ctrl-C stops all of it", expand=False)
