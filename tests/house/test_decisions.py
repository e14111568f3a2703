"""Decision records say what enforces them, and that exists; so do the laws in CONTRIBUTING.md."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.house.source import REPOSITORY, comply

RECORDS = sorted((REPOSITORY / "docs/decisions").glob("*.md"))
SECTIONS = ["Context", "Decision", "Consequences", "Enforced by"]
PAGE = 60
"""Lines of a page."""


def enforcement(text: str) -> str:
    return text.partition("\n## Enforced by\n")[2]


@cache
def known_tests() -> set[str]:
    """Every test function there is."""
    return {
        node.name
        for path in (REPOSITORY / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def missing(text: str, known: set[str]) -> Iterator[str]:
    """Files and tests that a text names in backticks and that are not there."""
    for quoted in re.findall(r"`([^`]+)`", text):
        path, _, function = quoted.partition("::")
        if path.startswith("tests/") and not (REPOSITORY / path).exists():
            yield path
        named = function or (quoted if re.fullmatch(r"test_\w+", quoted) else "")
        if named and named not in known:
            yield named


def test_records_are_numbered_in_a_row():
    numbers = [int(path.name[:4]) for path in RECORDS]
    assert numbers == list(range(1, len(RECORDS) + 1))
    assert all(re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", path.name) for path in RECORDS)


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_a_record_is_a_page_with_four_parts(record: Path):
    text = record.read_text()
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    assert text.startswith(f"# {record.name[:4]} ")
    assert text.count("\n") <= PAGE, f"{record.name} is longer than a page"


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_what_enforces_a_record_exists(record: Path):
    enforced = enforcement(record.read_text())
    assert "tests/" in enforced
    found = list(missing(enforced, known_tests()))
    assert not found, comply(
        found, f"{record.name} names these as its enforcement: write them, or name what does."
    )


def test_what_enforces_the_laws_exists():
    found = [
        name
        for name in missing((REPOSITORY / "CONTRIBUTING.md").read_text(), known_tests())
        if not (REPOSITORY / "tests/house" / name).exists()
    ]
    assert not found, comply(found, "CONTRIBUTING.md names these: write them, or name what does.")


def test_an_enforcement_that_is_gone_is_seen():
    text = "`tests/gone.py`, `tests/house/test_words.py::test_gone`, `test_gone_too`, `known`"
    assert list(missing(text, known_tests())) == ["tests/gone.py", "test_gone", "test_gone_too"]
