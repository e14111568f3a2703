"""A text's sentences, each with what stands above it: its heading, or the question it answers."""

# ruff: noqa: RUF001 - two alphabets' letters look alike

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from socialsync.simulator.openai.mind.forgeries import honest
from socialsync.simulator.openai.mind.orders import is_command

_BULLET = re.compile(r"^\s*(?:[-*•–]|\d{1,2}[.)])\s+")
_LABEL = re.compile(
    r"^\s*(?:q|a|f|r|p|question|answer|frage|antwort|r[ée]ponse|pregunta|respuesta|س|ج|سؤال|جواب|السؤال|الجواب)"
    r"\s*[:)]\s*",
    re.IGNORECASE,
)
_END = re.compile(r"(?<=[.!?؟。])[\"'»”)]*\s+")
_ABBREVIATION = re.compile(
    r"(?:(?:^|[\s.(])(?:[^\W\d_]|\d{1,2})|\b(?:bzw|ggf|inkl|ca|max|min|tel|etc|env|approx|no|nr|art|av|bd|str"
    r"|sra?|mrs?|ms|dr|st|ex|vs))\.$",
    re.IGNORECASE,
)
_ROW = re.compile(r"\||[^:;]+: [^;]+; [^:;]+: ")
"""Of a table: cells between bars, or each behind its column's name."""
_LONGEST_HEADING = 9


@dataclass(frozen=True, slots=True)
class Sentence:
    """``context`` stands above it; ``is_title`` for what stands above others itself."""

    text: str
    context: str = ""
    is_title: bool = False


def sentences(text: str) -> Sequence[Sentence]:
    """In their order, without those that are forged, or orders to a model."""
    return [each for each in _with_context(honest(text)) if not is_command(each.text)]


def plain_sentences(text: str) -> list[str]:
    return [piece for line in text.splitlines() if line.strip() for piece in split(line.strip())]


def split(line: str) -> list[str]:
    """At the ends of sentences, not after abbreviations."""
    pieces: list[str] = []
    for piece in _END.split(line):
        goes_on = piece[:1].islower() and pieces and pieces[-1].endswith(".")
        if pieces and (goes_on or _ABBREVIATION.search(pieces[-1])):
            pieces[-1] = f"{pieces[-1]} {piece}"
        elif piece.strip():
            pieces.append(piece.strip())
    return pieces


def _with_context(text: str) -> Iterator[Sentence]:
    heading = question = ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for number, line in enumerate(lines):
        bare = _LABEL.sub("", _BULLET.sub("", line.lstrip("#").strip("* ")))
        if _is_heading(line, bare, is_first=number == 0, is_last=number == len(lines) - 1):
            heading, question = bare, ""
            yield Sentence(bare, is_title=True)
            continue
        for piece in split(bare):
            if piece.endswith(("?", "؟")):
                question = piece
                yield Sentence(piece, heading, is_title=True)
            else:
                yield Sentence(piece, f"{heading} {question}".strip())


def _is_heading(line: str, bare: str, *, is_first: bool, is_last: bool) -> bool:
    """A number stands in a heading only where a source begins."""
    if line.startswith("#"):
        return True
    short = len(bare.split()) <= _LONGEST_HEADING and (is_first or not any(c.isdigit() for c in bare))
    unfinished = not bare.endswith((".", "!", "?", "؟", ";", ","))
    return short and unfinished and not is_last and not _BULLET.match(line) and not _ROW.search(line)
