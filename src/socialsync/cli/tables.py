"""Tables that fit: on a narrow terminal the columns that matter least are left out."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar

import typer
from pydantic_core import to_jsonable_python
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from socialsync.cli.wording import plain

Row = TypeVar("Row")
Cell: TypeAlias = Text | str | None
WIDE = 200
"""Columns where nothing tells how many there are: in a pipe, nobody wants them cut."""
_LEAST = 12
"""Columns that a text which may be cut short keeps at least."""
_GAP = 2

STATUS_STYLES = {
    "todo": "cyan", "doing": "blue", "succeeded": "green", "failed": "red", "cancelled": "dim",
    "aborted": "magenta", "retried": "yellow",
}  # fmt: skip
LEVEL_STYLES = {"good": "green", "fair": "", "warn": "yellow", "alarm": "bold red"}
"""As ``/health`` judges."""


@dataclass(frozen=True)
class Column(Generic[Row]):
    """A column of a table.

    Args:
        cell: what stands there for a row; a string is somebody's text, a ``Text`` has its style.
        rank: which leave first when there is no room, the highest first; 0 stays.
        right: numbers end on the right.
        flexible: may be cut short.
        optional: left out where no row has anything to say.
    """

    title: str
    cell: Callable[[Row], Cell]
    rank: int = field(default=0, kw_only=True)
    right: bool = field(default=False, kw_only=True)
    flexible: bool = field(default=False, kw_only=True)
    optional: bool = field(default=False, kw_only=True)


def console(*, stderr: bool = False) -> Console:
    """Where to print: as wide as the terminal, or as what is read by a program may be."""
    found = Console(highlight=False, stderr=stderr)
    if not found.is_terminal:
        found.width = shutil.get_terminal_size((WIDE, 25)).columns
    return found


def table(columns: Sequence[Column[Row]], rows: Sequence[Row], *, width: int) -> Table:
    """The rows in those of the columns for which there is room."""
    cells = {column.title: [_text(column.cell(row)) for row in rows] for column in columns}
    said = [column for column in columns if not column.optional or any(cells[column.title])]
    shown = _fitting(said, cells, width)
    _shorten(shown, cells, width)
    found = Table(box=box.SIMPLE_HEAD, padding=(0, _GAP - 1, 0, 0), pad_edge=False, show_edge=False)
    for column in shown:
        wide = _natural(column, cells[column.title])
        whole = column.flexible or wide <= width // 2
        found.add_column(
            column.title,
            justify="right" if column.right else "left",
            overflow="fold",
            no_wrap=whole,
            min_width=wide if whole else None,
        )
    for texts in zip(*(cells[column.title] for column in shown), strict=True):
        found.add_row(*texts)
    return found


def print_rows(columns: Sequence[Column[Row]], rows: Sequence[Row], *, as_json: bool, empty: str) -> None:
    """As it was asked for; ``empty`` is the sentence for when there are none."""
    where = console()
    if as_json:
        print_json(rows)
    else:
        where.print(table(columns, rows, width=where.width) if rows else Text(empty, "dim"))


def print_lines(found: Mapping[str, Any]) -> None:
    """A line for each name and its value, for one thing with all that is known of it."""
    wide = max(map(len, found))
    for name, value in found.items():
        typer.echo(f"{name.replace('_', ' '):{wide}}  {plain('' if value is None else str(value))}".rstrip())


def status_text(status: str) -> Text:
    return Text(status, STATUS_STYLES.get(status, ""))


def print_json(value: Any) -> None:
    """One JSON document on stdout; times are ISO 8601."""
    typer.echo(json.dumps(to_jsonable_python(value), indent=2, ensure_ascii=False))


def _fitting(
    columns: Sequence[Column[Row]], cells: dict[str, list[Text]], width: int
) -> Sequence[Column[Row]]:
    shown = list(columns)
    while sum(_needed(column, cells[column.title]) + _GAP for column in shown) - _GAP > width:
        droppable = [column for column in shown if column.rank]
        if not droppable:
            break
        shown.remove(max(reversed(droppable), key=lambda column: column.rank))
    return shown


def _shorten(shown: Sequence[Column[Row]], cells: dict[str, list[Text]], width: int) -> None:
    """Cut the texts that may be cut to the room that the others leave."""
    spare = width + _GAP - sum(_needed(column, cells[column.title]) + _GAP for column in shown)
    for column in shown:
        if column.flexible:
            texts = cells[column.title]
            least = _needed(column, texts)
            room = min(_natural(column, texts), least + max(0, spare))
            spare -= room - least
            for text in texts:
                text.truncate(room, overflow="ellipsis")


def _needed(column: Column[Any], texts: Sequence[Text]) -> int:
    wide = _natural(column, texts)
    return min(wide, max(_LEAST, len(column.title))) if column.flexible else wide


def _natural(column: Column[Any], texts: Sequence[Text]) -> int:
    return max(len(column.title), *(text.cell_len for text in texts), 1)


def _text(cell: Cell) -> Text:
    if isinstance(cell, Text):
        return cell
    return Text(plain(cell or "").replace("\n", " "))
