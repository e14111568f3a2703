"""``socialsync up``: everything on this machine, with a demo workspace to play with."""

import asyncio
import contextlib
import signal
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from socialsync.cli import stack
from socialsync.features.accounts import service as accounts
from socialsync.features.channels import service as channels
from socialsync.resources import Resources, open_resources
from socialsync.settings import Settings, write_private

WORKSPACE = "Demo"
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
        _console.print(_welcome(found, demo))
        ended = asyncio.create_task(found.ended())
        stopped = asyncio.create_task(stopping.wait())
        await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            _console.print(f"[red]The {ended.result()} process ended by itself; stopping the rest.[/]")
        for task in (ended, stopped):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        _console.print("\nStopping ...")
        if not stopping.is_set():
            raise typer.Exit(1)


async def make_demo(settings: Settings) -> Demo:
    """The demo workspace, made on the first call; its key is kept in the home, readable by its owner only."""
    async with open_resources(settings) as resources:
        async with resources.database.system_transaction("`up` makes its demo workspace") as session:
            workspace = await accounts.find_workspace(session, WORKSPACE)
            if workspace is None:
                workspace = await accounts.create_workspace(session, name=WORKSPACE)
        return Demo(
            workspace_id=workspace.id,
            key=await _key(resources, workspace.id),
            channels=await _channels(resources, workspace.id),
        )


async def _key(resources: Resources, workspace_id: UUID) -> str:
    path = resources.settings.home / "secrets" / "demo_api_key"
    if path.exists():
        key = path.read_text().strip()
        with contextlib.suppress(accounts.UnknownKey):
            await accounts.authenticate(resources.database, key)
            return key
    async with resources.database.system_transaction("`up` makes its demo key") as session:
        created = await accounts.create_key(session, role="admin", name="demo", workspace_id=workspace_id)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    write_private(path, created.key)
    return created.key


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
        table.add_row(f"{platform.capitalize()} channel", str(channel_id))
    table.add_row("Outside world", found.simulator or found.settings.whatsapp_graph)
    table.add_row("Data", str(found.settings.home))
    return Panel(table, title="SocialSync is up", subtitle="Ctrl-C stops all of it", expand=False)
