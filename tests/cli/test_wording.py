"""How times, sizes and counts are said; which columns a narrow terminal keeps."""

from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from socialsync.cli import wording
from socialsync.cli.tables import Column, table

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"), (0.0123, "12 ms"), (2.56, "2.5 s"), (12.9, "12 s"), (60, "1 min"), (200, "3 min 20 s"),
        (1800, "30 min"), (3600, "1 h 0 min"), (7500, "2 h 5 min"), (86_400 * 3, "3 d 0 h"),
        (86_400 * 40, "40 d"),
    ],
)  # fmt: skip
def test_a_span_is_said(seconds, said):
    assert wording.span(seconds) == said


@pytest.mark.parametrize(
    ("away", "said"),
    [
        (0.4, "now"), (-0.4, "now"), (12, "in 12 s"), (-12, "12 s ago"), (-9.9, "9 s ago"), (200, "in 3 min"),
        (-7500, "2 h ago"), (86_400 * 3.5, "in 3 d"),
    ],
)  # fmt: skip
def test_an_instant_is_said_in_one_unit(away, said):
    assert wording.when(NOW + timedelta(seconds=away), NOW) == said


def test_counts_and_sizes():
    assert [wording.counted(number) for number in (7, 9_999, 10_000)] == ["7", "9,999", "10,000+"]
    assert [wording.size(size) for size in (5, 1536, 93 * 1024**2)] == ["5 B", "1.5 KiB", "93 MiB"]
    assert [wording.plural(number, "job") for number in (0, 1, 1200)] == ["0 jobs", "1 job", "1,200 jobs"]


def test_no_control_character_reaches_the_terminal():
    assert wording.plain("a\x1b[31mb\x9bc\u202ed\n\té") == "a\\x1b[31mb\\x9bc\\u202ed\n\té"
    assert wording.compact({}) == ""
    assert "\x9b" not in wording.compact({"a": "\x9b"})


COLUMNS = [
    Column("id", lambda row: row[0], right=True),
    Column("worker", lambda row: row[1], rank=2),
    Column("queue", lambda row: row[2], rank=1),
    Column("never", lambda _: None, optional=True),
    Column("arguments", lambda row: row[3], rank=3, flexible=True),
]
ROWS = [("1", "w-1", "ingest", "x" * 50), ("12", "[red]", "low", "y")]


@pytest.mark.parametrize(
    ("width", "titles"),
    [(90, "id worker queue arguments"), (40, "id worker queue arguments"), (24, "id worker queue"),
     (12, "id queue"), (3, "id")],
)  # fmt: skip
def test_columns_leave_by_rank_until_the_rest_fits(width, titles):
    console = Console(width=width)
    with console.capture() as captured:
        console.print(table(COLUMNS, ROWS, width=width))
    lines = captured.get().splitlines()
    assert lines[0].split() == titles.split()
    assert len(lines) == 4
    assert max(map(len, lines)) <= width
    if width >= 24:
        assert "[red]" in lines[3]  # no markup of somebody's
    if width == 40:
        assert lines[2].rstrip().endswith("…")
