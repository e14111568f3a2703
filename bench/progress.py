"""Progress bars; without a terminal, a line at the end of each step."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from bench.reports import console

Tell = Callable[[float], None]
"""Called with how much is done."""


@contextmanager
def step(title: str, total: float | None = None) -> Iterator[Tell]:
    """A bar for one piece of work; ``total`` None when nobody knows."""
    columns = [SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()]
    if total is not None:
        columns.insert(3, MofNCompleteColumn())
    with Progress(*columns, console=console, transient=console.is_terminal) as progress:
        task = progress.add_task(title, total=total)
        yield lambda done: progress.update(task, completed=min(done, total) if total else done)
