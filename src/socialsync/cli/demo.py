"""``socialsync demo``: a scripted story on an installation of its own, checked against what the world saw."""

import asyncio
import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from socialsync.cli import chats, frames, lessons, remarks, scenes, stack
from socialsync.cli.frames import Draw
from socialsync.cli.lessons import Lesson, Question
from socialsync.cli.people import Cast
from socialsync.cli.remarks import Remark
from socialsync.cli.scenes import Scene
from socialsync.cli.up import Demo, make_demo
from socialsync.queue import schedules
from socialsync.resources import open_resources
from socialsync.settings import Settings

VISIBLE = {"instagram.publish", "whatsapp.message"}
MOST = 200
"""Posts that one page lists: more than the story has."""
STYLES = {
    "published": "green",
    "failed": "red",
    "cancelled": "dim",
    "unknown": "yellow",
    "publishing": "cyan",
}
TICK = 0.5
"""Seconds between looks for due posts; a minute is the default and too long to watch."""
PATIENCE = 120.0
"""Seconds after which the story has failed."""
_console = Console(highlight=False)


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
    with (home / "processes.log").open("wb") as log, ExitStack() as starting:
        step = starting.enter_context(frames.steps(5, _console))

        def say(what: str) -> None:
            step(f"Starting {what}")

        async with stack.running(say, extra=extra, output=log.fileno()) as found:
            demo_workspace = await make_demo(found.settings)
            await _tick_faster(found.settings)
            starting.close()
            return await _tell(found, demo_workspace)


async def _tick_faster(settings: Settings) -> None:
    async with (
        open_resources(settings) as resources,
        resources.database.system_transaction("the demo looks for due posts often") as session,
    ):
        await schedules.change_rule(session, "enqueue-due-posts", cron=None, every_s=TICK)


async def _tell(found: stack.Stack, demo_workspace: Demo) -> bool:
    headers = {"Authorization": f"Bearer {demo_workspace.key}"}
    async with (
        httpx.AsyncClient(base_url=found.api, headers=headers, timeout=30) as api,
        httpx.AsyncClient(base_url=str(found.simulator), timeout=30) as world,
    ):
        channels = {name: str(id_) for name, id_ in demo_workspace.channels.items()}
        story = scenes.write(f"{found.simulator}/_sim/media", **channels)
        with frames.drawing("Posts are scheduled and published", _console) as draw:
            for scene in story:
                if scene.fault:
                    (await world.post("/_sim/faults", json=scene.fault)).raise_for_status()
                await _create(api, scene)
                if scene.fault:  # it is meant for this post: let it be the only one on its way
                    await _watch(api, world, story, draw, until=[scene])
            await _watch(api, world, story, draw, until=story)
            draw(_table(story, "What happened", final=True), _ended(story))
        with frames.waiting("A price list and a page are read", _console):
            learnt = await lessons.learn(api, str(found.simulator))
            asked = await lessons.ask(api)
        _console.print(_knowledge(learnt, asked))
        cast = Cast()
        with frames.drawing("People write", _console) as draw:
            async for cast in chats.play(api, world, channels["whatsapp"]):
                draw(_chats(cast), [chat.title for chat in cast.all if chat.good])
            draw(_chats(cast, final=True), ())
        written: list[Remark] = []
        post_id = _published(story)
        with frames.drawing("People comment", _console) as draw:
            async for written in remarks.play(api, world, channels["instagram"], post_id):
                draw(_remarks(written), [remark.title for remark in written if remark.good])
            draw(_remarks(written, final=True), ())
    good = all(lesson.good for lesson in learnt) and all(question.good for question in asked)
    heard = all(chat.good for chat in cast.all)
    read = all(remark.good for remark in written)
    _console.print(_verdict(story, knows=good, heard=heard, read=read))
    return good and heard and read and all(scene.good for scene in story)


def _published(story: list[Scene]) -> str:
    """The id of a post that people see on Instagram."""
    return next(
        id_
        for scene in story
        for id_, post in scene.posts.items()
        if post["status"] == scenes.PUBLISHED and scene.bodies[0].get("media_urls")
    )


async def _watch(
    api: httpx.AsyncClient, world: httpx.AsyncClient, story: list[Scene], draw: Draw, *, until: list[Scene]
) -> None:
    """Show how the posts go until these have ended, or patience has."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while asyncio.get_running_loop().time() < deadline:
        listed = (await api.get("/api/v1/posts", params={"limit": MOST})).json()["items"]
        for scene in story:
            scene.look(listed)
        await _count(world, story)
        draw(_table(story, "Posts"), _ended(story))
        if all(scene.ended for scene in until):
            return
        await asyncio.sleep(0.1)


def _ended(story: list[Scene]) -> list[str]:
    return [f"{scene.title}: {scene.status}" for scene in story if scene.ended]


async def _create(api: httpx.AsyncClient, scene: Scene) -> None:
    many = len(scene.bodies) > 1
    path, body = ("/api/v1/posts/bulk", scene.bodies) if many else ("/api/v1/posts", scene.bodies[0])
    answer = (await api.post(path, json=body)).raise_for_status().json()
    made = answer["items"] if many else [answer]
    scene.posts = {post["id"]: post for post in made}
    for id_ in scene.posts:
        if scene.then == scenes.BY_HAND:
            (await api.post(f"/api/v1/posts/{id_}/publish")).raise_for_status()
        elif scene.then == "cancel":
            (await api.delete(f"/api/v1/posts/{id_}")).raise_for_status()


async def _count(world: httpx.AsyncClient, story: list[Scene]) -> None:
    """How often the world saw each post, by its text."""
    effects = (await world.get("/_sim/ledger")).json()["effects"]
    visible = [effect for effect in effects if effect["kind"] in VISIBLE]
    seen = Counter(effect.get("caption") or effect.get("text") for effect in visible)
    for scene in story:
        scene.seen = sum(seen[body["text"]] for body in scene.bodies)


def _table(story: list[Scene], title: str, *, final: bool = False) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    table.add_column("Post", overflow="fold", min_width=40)
    table.add_column("Status")
    table.add_column("Seen by the world", justify="right")
    for scene in story:
        mark = ("[green]✓[/]" if scene.good else "[red]✗[/]") if final else ""
        style = STYLES.get(scene.status, "cyan" if " of " in scene.status else "")
        status = f"[{style}]{scene.status}[/]" if style else scene.status
        post = Text.assemble(scene.title, (f"\n{scene.reason}", "dim") if scene.reason else "")
        table.add_row(mark, post, status, f"{scene.seen} of {scene.effects}")
    return table


def _knowledge(learnt: list[Lesson], asked: list[Question]) -> Table:
    table = Table(title="What it learnt", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("", "Document or question", "What it says"):
        table.add_column(column, overflow="fold")
    rows = [(lesson.good, lesson.title, lesson.says) for lesson in learnt]
    rows += [(question.good, question.asked, question.says) for question in asked]
    for good, title, says in rows:
        table.add_row("[green]✓[/]" if good else "[red]✗[/]", title, Text(says))
    return table


def _chats(cast: Cast, *, final: bool = False) -> Table:
    table = Table(title="Who wrote", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.caption, table.caption_justify = cast.came if final else None, "left"
    for column in ("", "Person", "What they were told"):
        table.add_column(column, overflow="fold")
    for chat in cast.all:
        mark = ("[green]✓[/]" if chat.good else "[red]✗[/]") if final else ""
        table.add_row(mark, chat.title, Text(chat.says))
    return table


def _remarks(written: list[Remark], *, final: bool = False) -> Table:
    table = Table(title="Who commented", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("", "Comment", "What became of it"):
        table.add_column(column, overflow="fold")
    for remark in written:
        mark = ("[green]✓[/]" if remark.good else "[red]✗[/]") if final else ""
        table.add_row(mark, Text.assemble(remark.title, (f"\n{remark.text}", "dim")), Text(remark.says))
    return table


def _verdict(story: list[Scene], *, knows: bool, heard: bool, read: bool) -> str:
    wrong = [scene for scene in story if not scene.good]
    if not knows:
        return "[red bold]Not everything that it was asked was answered as it must be.[/]"
    if not heard:
        return "[red bold]Not everybody who wrote was answered as they must be.[/]"
    if not read:
        return "[red bold]Not every comment became what it must.[/]"
    if not wrong:
        return "[green bold]All of it came true: every post and every answer seen exactly once.[/]"
    return f"[red bold]{len(wrong)} of {len(story)} did not come true.[/]"
