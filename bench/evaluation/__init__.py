"""Questions with the passages that answer them: see README.md."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "fr", "es", "de", "ar")
FIRST = 5
_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Passage:
    """``held_out``: its questions judge, and nothing is tuned on them."""

    language: str
    heading: str
    text: str
    held_out: bool


@dataclass(frozen=True)
class Question:
    """``paraphrase``: it shares no content word with its passage."""

    text: str
    gold: Passage
    paraphrase: bool


@dataclass(frozen=True)
class Scores:
    """Of some questions: how often the passage was among the first five, and the mean of one by its rank."""

    questions: int
    recall_at_5: float
    mrr: float


@cache
def questions() -> Sequence[Question]:
    return [question for language in LANGUAGES for question in _questions(language)]


def document(language: str) -> str:
    """The Markdown that is learnt: without the questions."""
    lines = _source(language).splitlines()
    return "\n".join(line for line in lines if not line.startswith(("? ", "~ ")))


def scores(ranks: Sequence[int | None]) -> Scores:
    """From the rank of each question's passage, counted from 1; None where it was not found."""
    found = [rank for rank in ranks if rank is not None]
    count = max(1, len(ranks))
    return Scores(
        len(ranks), sum(rank <= FIRST for rank in found) / count, sum(1 / rank for rank in found) / count
    )


def _questions(language: str) -> list[Question]:
    found = []
    for place, section in enumerate(_source(language).split("\n## ")[1:]):
        heading, *lines = section.strip().splitlines()
        text = "\n".join(line for line in lines if not line.startswith(("? ", "~ ")))
        passage = Passage(language, heading.strip(), text.strip(), held_out=bool(place % 2))
        found += [
            Question(line[2:].strip(), passage, line.startswith("~"))
            for line in lines
            if line.startswith(("? ", "~ "))
        ]
    return found


def _source(language: str) -> str:
    return (_FOLDER / f"{language}.md").read_text(encoding="utf-8")
