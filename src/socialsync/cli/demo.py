"""``socialsync demo``: a scripted story on an installation of its own, checked against what the world saw."""

import asyncio
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from socialsync.cli import stack
from socialsync.cli.up import Demo, make_demo
from socialsync.queue import schedules
from socialsync.resources import open_resources
from socialsync.settings import Settings

ENDED = {"published", "failed", "cancelled", "unknown"}
STYLES = {
    "published": "green",
    "failed": "red",
    "cancelled": "dim",
    "unknown": "yellow",
    "publishing": "cyan",
}
TICK = 0.5
"""Seconds between looks for due posts; a minute is the default and too long to watch."""
PATIENCE = 60.0
"""Seconds after which the story has failed."""
_console = Console(highlight=False)


@dataclass
class Scene:
    """One post of the story.

    Attributes:
        title: what it shows.
        body: of ``POST /api/v1/posts``.
        expected: the status that it must end in.
        effects: how often the world must have seen it: once a recipient, or never.
        then: called after it was created: ``publish`` it at once, ``cancel`` it, or nothing.
        fault: what shall go wrong in the outside world with this post.
    """

    title: str
    body: dict[str, Any]
    expected: str
    effects: int
    then: str | None = None
    fault: dict[str, Any] | None = None
    post: dict[str, Any] = field(default_factory=dict)
    seen: int = 0

    @property
    def status(self) -> str:
        return str(self.post.get("status", "waiting"))

    @property
    def good(self) -> bool:
        return self.status == self.expected and self.seen == self.effects


def demo(
    keep: Annotated[
        Path | None, typer.Option(help="Keep the installation in this folder instead of a temporary one.")
    ] = None,
) -> None:
    """Play a scripted story with live progress; exit status 0 only if all of it came true."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        good = asyncio.run(_play(keep.absolute()))
    else:
        with tempfile.TemporaryDirectory(prefix="socialsync-demo-", ignore_cleanup_errors=True) as home:
            good = asyncio.run(_play(Path(home)))
    raise typer.Exit(0 if good else 1)


async def _play(home: Path) -> bool:
    extra = {"SOCIALSYNC_HOME": str(home), "SOCIALSYNC_LOG_FORMAT": "console"}
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    progress = Progress(*columns, TimeElapsedColumn(), console=_console, transient=True)
    bar = progress.add_task("Starting", total=5)

    def say(what: str) -> None:
        progress.update(bar, description=f"Starting {what}", advance=1)

    with (home / "processes.log").open("wb") as log, progress:
        async with stack.running(say, extra=extra, output=log.fileno()) as found:
            demo_workspace = await make_demo(found.settings)
            await _tick_faster(found.settings)
            progress.stop()
            return await _tell(found, demo_workspace)


async def _tick_faster(settings: Settings) -> None:
    async with (
        open_resources(settings) as resources,
        resources.database.system_transaction("the demo looks for due posts often") as session,
    ):
        await schedules.change_rule(session, "enqueue-due-posts", cron=None, every_s=TICK)


def _story(found: stack.Stack, demo_workspace: Demo) -> list[Scene]:
    picture = f"{found.simulator}/_sim/media/sunrise.jpg"
    film = f"{found.simulator}/_sim/media/oven.mp4"
    instagram, whatsapp = (str(demo_workspace.channels[name]) for name in ("instagram", "whatsapp"))

    def soon(seconds: float) -> str:
        return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()

    def image(text: str, **more: Any) -> dict[str, Any]:
        return {"channel_id": instagram, "text": text, "media_urls": [picture], **more}

    def message(text: str, *recipients: str, **more: Any) -> dict[str, Any]:
        return {"channel_id": whatsapp, "text": text, "recipients": list(recipients), **more}

    too_wide = {
        "action": "error",
        "match": {"kind": "instagram.container"},
        "code": 36003,
        "subcode": 2207009,
    }
    lost = {"action": "lost_answer", "match": {"kind": "instagram.publish"}}
    lost_message = {"action": "lost_answer", "match": {"kind": "whatsapp.message"}}
    by_hand = "publish"
    return [
        Scene("An image that Instagram refuses", image("Far too wide"), "failed", 0, by_hand, too_wide),
        Scene(
            "An answer lost on its way back, found again",
            image("Did you get it?"),
            "published",
            1,
            by_hand,
            lost,
        ),
        Scene(
            "A message whose answer is lost, told by its status",
            message("Did this reach you?", "+33612345604"),
            "published",
            1,
            by_hand,
            lost_message,
        ),
        Scene("Draft, published by hand", image("Straight from the oven"), "published", 1, by_hand),
        Scene("Instagram image, in 1 s", image("Sunrise over the bay", publish_at=soon(1)), "published", 1),
        Scene("A carousel of three", image("Three views", media_urls=[picture] * 3), "published", 1, by_hand),
        Scene("A reel", image("The oven", media_urls=[film]), "published", 1, by_hand),
        Scene("Instagram image, in 3 s", image("Café ouvert ☕ dès 8 h", publish_at=soon(3)), "published", 1),
        Scene(
            "WhatsApp text to three people, in 2 s",
            message("We open at nine.", "+33612345601", "+33612345602", "+33612345603", publish_at=soon(2)),
            "published",
            3,
        ),
        Scene(
            "Scheduled, then cancelled", image("Never mind", publish_at=soon(3600)), "cancelled", 0, "cancel"
        ),
    ]


async def _tell(found: stack.Stack, demo_workspace: Demo) -> bool:
    headers = {"Authorization": f"Bearer {demo_workspace.key}"}
    async with (
        httpx.AsyncClient(base_url=found.api, headers=headers, timeout=30) as api,
        httpx.AsyncClient(base_url=str(found.simulator), timeout=30) as world,
    ):
        story = _story(found, demo_workspace)
        with Live(_table(story, "Posts"), console=_console, refresh_per_second=8) as live:
            for scene in story:
                if scene.fault:
                    (await world.post("/_sim/faults", json=scene.fault)).raise_for_status()
                await _create(api, scene)
                if scene.fault:  # it is meant for this post: let it be the only one on its way
                    await _watch(api, world, story, live, until=[scene])
            await _watch(api, world, story, live, until=story)
            live.update(Group(_table(story, "What happened", final=True), _verdict(story)))
    return all(scene.good for scene in story)


async def _watch(
    api: httpx.AsyncClient, world: httpx.AsyncClient, story: list[Scene], live: Live, *, until: list[Scene]
) -> None:
    """Show how the posts go until these have ended, or patience has."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while asyncio.get_running_loop().time() < deadline:
        for scene in story:
            if scene.post:
                scene.post = (await api.get(f"/api/v1/posts/{scene.post['id']}")).json()
        await _count(world, story)
        live.update(_table(story, "Posts"))
        if all(scene.status in ENDED for scene in until):
            return
        await asyncio.sleep(0.1)


async def _create(api: httpx.AsyncClient, scene: Scene) -> None:
    answer = await api.post("/api/v1/posts", json=scene.body)
    answer.raise_for_status()
    scene.post = answer.json()
    path = f"/api/v1/posts/{scene.post['id']}"
    if scene.then == "publish":
        (await api.post(f"{path}/publish")).raise_for_status()
    elif scene.then == "cancel":
        (await api.delete(path)).raise_for_status()


async def _count(world: httpx.AsyncClient, story: list[Scene]) -> None:
    """How often the world saw each post, by its text."""
    effects = (await world.get("/_sim/ledger")).json()["effects"]
    visible = [effect for effect in effects if effect["kind"] in {"instagram.publish", "whatsapp.message"}]
    for scene in story:
        scene.seen = sum(scene.body["text"] in (e.get("caption"), e.get("text")) for e in visible)


def _table(story: list[Scene], title: str, *, final: bool = False) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    table.add_column("Post", overflow="fold", min_width=40)
    table.add_column("Status")
    table.add_column("Seen by the world", justify="right")
    for scene in story:
        mark = ("[green]✓[/]" if scene.good else "[red]✗[/]") if final else ""
        style = STYLES.get(scene.status, "")
        status = f"[{style}]{scene.status}[/]" if style else scene.status
        reason = scene.post.get("error")
        post = Text.assemble(scene.title, (f"\n{reason}", "dim") if reason else "")
        table.add_row(mark, post, status, f"{scene.seen} of {scene.effects}")
    return table


def _verdict(story: list[Scene]) -> str:
    wrong = [scene for scene in story if not scene.good]
    if not wrong:
        return "[green bold]All of it came true: every post seen exactly as often as it should be.[/]"
    return f"[red bold]{len(wrong)} of {len(story)} did not come true.[/]"
