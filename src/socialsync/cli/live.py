"""A look at the queue: once as a table or as JSON, or again every second until Ctrl-C."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Generic, TypeVar

import psycopg
import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import clock, settings
from socialsync.cli.tables import Column, Row, console, print_json, table
from socialsync.db import urls
from socialsync.db.engine import create_engine
from socialsync.db.transaction import Database
from socialsync.errors import Temporary
from socialsync.queue import inspection

Watch = Annotated[bool, typer.Option("--watch", "-w", help="Look again every second, until Ctrl-C.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="Rows at most.")]
EVERY = 1.0
T = TypeVar("T")


@dataclass(frozen=True)
class Seen(Generic[Row]):
    """What one look saw.

    Args:
        notes: lines to be read below it.
        more: how to see the rest, where there is a rest.
    """

    rows: Sequence[Row]
    notes: Sequence[Text] = ()
    more: str | None = None


@dataclass(frozen=True)
class View(Generic[Row]):
    """Something that can be looked at.

    Args:
        title: what is seen, for who watches.
        ask: the look.
        columns: of the table.
        empty: the sentence for when there is nothing.
        as_json: a row for programs.
    """

    title: str
    ask: Callable[[AsyncSession], Awaitable[Seen[Row]]]
    columns: Sequence[Column[Row]]
    empty: str
    as_json: Callable[[Row], dict[str, Any]] = field(default=asdict)  # type: ignore[assignment] # rows are dataclasses


def present(view: View[Row], *, as_json: bool, watch: bool = False) -> None:
    """Show it as it was asked for."""
    if watch and as_json:
        raise typer.BadParameter("goes on for ever; --json prints one document", param_hint="--watch")
    if watch:
        with contextlib.suppress(KeyboardInterrupt):
            with_database(lambda database: follow(database, view, console()))
        return
    seen = with_database(lambda database: look(database, view.ask))
    if as_json:
        print_json([view.as_json(row) for row in seen.rows])
        if seen.more:
            typer.echo(seen.more, err=True)
    else:
        where = console()
        where.print(drawn(view, seen, where.width))


def with_database(work: Callable[[Database], Awaitable[T]]) -> T:
    """Open the database that the environment names, do the work, close it. Who only looks at the queue needs
    no room of the house, and waits for none to be imported.
    """

    async def run() -> T:
        engine = create_engine(urls.resolve(settings.load()))
        try:
            return await work(Database(engine))
        finally:
            await engine.dispose()

    return asyncio.run(run())


async def look(database: Database, ask: Callable[[AsyncSession], Awaitable[Seen[Row]]]) -> Seen[Row]:
    """One short look.

    Raises:
        Temporary: it would have taken longer.
    """
    try:
        async with database.system_transaction("the CLI looks at the queue") as session:
            await inspection.bound(session)
            return await ask(session)
    except OperationalError as error:
        if not isinstance(error.orig, psycopg.errors.QueryCanceled):
            raise
        raise Temporary(
            "There is more to look at than two seconds allow.", fix="Ask for less: --queue NAME, --limit 20."
        ) from None


def drawn(view: View[Row], seen: Seen[Row], width: int) -> RenderableType:
    """The table, or the sentence that there is nothing, and the notes."""
    body: RenderableType = Text(view.empty, "dim")
    if seen.rows:
        body = table(view.columns, seen.rows, width=width)
    more = [Text(), Text(seen.more, "dim")] if seen.more else []
    return Group(body, *seen.notes, *more)


async def follow(database: Database, view: View[Row], where: Console) -> None:
    """Until cancelled. While Postgres is away the last look stays, and says so."""
    last = drawn(view, await look(database, view.ask), where.width)
    away: str | None = None
    live = Live(console=where, auto_refresh=False, screen=True) if where.is_terminal else None
    try:
        with live or contextlib.nullcontext():
            while True:
                if live:
                    live.update(Group(*_head(view.title, away), last), refresh=True)
                else:
                    where.print(last)
                await asyncio.sleep(EVERY)
                try:
                    last, away = drawn(view, await look(database, view.ask), where.width), None
                except (Temporary, psycopg.Error, SQLAlchemyError, OSError) as error:
                    if (task := asyncio.current_task()) and task.cancelling():
                        raise asyncio.CancelledError from error  # Ctrl-C: Postgres cancelled the look for it
                    away = error.message if isinstance(error, Temporary) else "Postgres does not answer."
    finally:
        if live:
            where.print(last)


def _head(title: str, away: str | None) -> tuple[Text, ...]:
    at = f"{clock.now():%H:%M:%S} UTC"
    head = Text.assemble((title, "bold"), f"  {at}  ", ("Ctrl-C ends", "dim"))
    if away:
        head.append(f"  {away} Trying again.", "bold red")
    return head, Text()
