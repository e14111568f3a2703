"""What a scenario found: tables for people, figures for programs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table as RichTable

console = Console(highlight=False)


@dataclass
class Table:
    """Rows of words; the first column says what, the others are figures."""

    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    title: str = ""

    def markdown(self) -> str:
        lines = [f"**{self.title}**", ""] if self.title else []
        lines.append("| " + " | ".join(self.columns) + " |")
        lines.append("| --- |" + " ---: |" * (len(self.columns) - 1))
        lines += ["| " + " | ".join(row) + " |" for row in self.rows]
        return "\n".join(lines)

    def print(self) -> None:
        table = RichTable(box=box.SIMPLE_HEAD, title=self.title or None, title_justify="left")
        for index, column in enumerate(self.columns):
            table.add_column(column, justify="right" if index else "left", overflow="fold")
        for row in self.rows:
            table.add_row(*row)
        console.print(table)


@dataclass
class Report:
    """One scenario's.

    Args:
        name: of the scenario.
        meaning: what was done and what the figures mean.
        tables: for people.
        notes: what one must know to judge them.
        data: everything, for programs.
    """

    name: str
    meaning: str
    tables: list[Table] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)

    def markdown(self) -> str:
        parts = [f"## {self.name}", self.meaning, *(table.markdown() for table in self.tables)]
        if self.notes:
            parts.append("\n".join(f"- {note}" for note in self.notes))
        return "\n\n".join(parts)

    def print(self) -> None:
        console.rule(f"[bold]{self.name}", align="left")
        console.print(self.meaning, style="dim")
        for table in self.tables:
            table.print()
        for note in self.notes:
            console.print(f"- {note}", style="dim", markup=False)


def as_json(about: dict[str, Any], reports: Sequence[Report]) -> str:
    told = {"about": about, "scenarios": {report.name: report.data for report in reports}}
    return json.dumps(told, indent=2, ensure_ascii=False, default=str) + "\n"


def as_markdown(about: dict[str, Any], reports: Sequence[Report]) -> str:
    """The file that people read."""
    head = [
        "# Benchmark results",
        "Written by `make bench`; how each figure is measured stands in [README.md](README.md).",
        "| | |\n| --- | --- |\n" + "\n".join(f"| {name} | {value} |" for name, value in about.items()),
    ]
    return "\n\n".join([*head, *(report.markdown() for report in reports)]) + "\n"
