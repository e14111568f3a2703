"""What goes on before somebody's eyes: on a terminal it is drawn again and again in its place; in a file each
thing that is done is a line, and the last frame stands below them.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

Draw: TypeAlias = Callable[[RenderableType, Iterable[str]], None]
"""Shows a frame; the sentences are of what is done by now."""


@contextmanager
def drawing(heading: str, where: Console) -> Iterator[Draw]:
    """The frames of one part of a story."""
    if where.is_terminal:
        with Live(console=where, refresh_per_second=8) as live:
            yield lambda frame, _done: live.update(frame)
        return
    where.print(f"{heading} ...", markup=False)
    said: set[str] = set()
    last: RenderableType = ""

    def draw(frame: RenderableType, done: Iterable[str]) -> None:
        nonlocal last
        last = frame
        for sentence in done:
            if sentence not in said:
                said.add(sentence)
                where.print(f"  {sentence}", markup=False)

    try:
        yield draw
    finally:
        where.print()
        where.print(last)
        where.print()


@contextmanager
def waiting(heading: str, where: Console) -> Iterator[None]:
    """For what has no frames."""
    if where.is_terminal:
        with where.status(heading):
            yield
    else:
        where.print(f"{heading} ...", markup=False)
        yield
        where.print()


@contextmanager
def steps(total: int, where: Console) -> Iterator[Callable[[str], None]]:
    """Of so many steps, what the next one is; nothing of it stays on a terminal."""
    if not where.is_terminal:
        yield lambda what: where.print(f"{what} ...", markup=False)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=where, transient=True) as progress:
        bar = progress.add_task("Starting", total=total)
        yield lambda what: progress.update(bar, description=what, advance=1)
