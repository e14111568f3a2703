"""Questions that documents hold, and questions that they do not: see README.md."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "fr", "es", "de", "ar")
HELD, PARAPHRASED, NOT_HELD = MARKS = ("? ", "~ ", "! ")
_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Question:
    """
    Args:
        expected: a piece of the passage that must stand in the answer; empty for what no passage holds.
        held_out: it judges, and nothing is tuned on it.
    """

    kind: str
    text: str
    expected: str
    document: str
    held_out: bool


@cache
def questions() -> Sequence[Question]:
    return [question for language in LANGUAGES for question in _questions(language)]


def passages(document: str) -> Sequence[str]:
    """Each with its heading above it, without its questions."""
    return ["\n".join(line for line in lines if not line.startswith(MARKS)) for lines in _sections(document)]


def markdown(document: str) -> str:
    """What is learnt: the whole document without the questions."""
    return f"{_source(document).splitlines()[0]}\n\n" + "\n\n".join(
        f"## {each}" for each in passages(document)
    )


def _questions(document: str) -> list[Question]:
    found = []
    for place, lines in enumerate(_sections(document)):
        for line in lines:
            if line.startswith(MARKS):
                asked, _, expected = line[2:].partition(" | ")
                found.append(Question(line[:2], asked, expected, document, held_out=bool(place % 2)))
    return found


def _sections(document: str) -> list[list[str]]:
    return [section.strip().splitlines() for section in _source(document).split("\n## ")[1:]]


def _source(document: str) -> str:
    return (_FOLDER / f"{document}.md").read_text(encoding="utf-8")
