"""Phrases that are looked for in folded text: ``*`` ends a word anyhow, ``...`` stands for up to three
words.

In tables of families besides: ``a/b`` is either, ``a_b`` two words in a row, ``..3`` up to three words,
``?a`` may be missing, and ``$name`` a list that stands above.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache

from socialsync.simulator.openai.mind.shelf import read_lines
from socialsync.simulator.openai.mind.words import words


def folded(text: str) -> str:
    """The words of a text, one blank between them and one at either end."""
    return f" {' '.join(words(text))} "


def pattern(phrases: Iterable[str]) -> re.Pattern[str]:
    """Finds any of them in folded text."""
    spelt = [_spelt(phrase) for phrase in phrases]
    return re.compile("|".join(each for each in spelt if each) or r"(?!)")


@cache
def families(name: str) -> Mapping[str, re.Pattern[str]]:
    """A table's families, in its order: ``name: phrase``, a phrase a line."""
    lists: dict[str, str] = {}
    found: dict[str, list[str]] = {}
    for line in read_lines(name):
        if line.startswith("$"):
            of, _, listed = line[1:].partition(" = ")
            lists[of] = listed
        else:
            family, _, phrase = line.partition(": ")
            parts = [_family_part(piece, lists) for piece in phrase.split()]
            found.setdefault(family, []).append(" " + "".join(parts))
    return {family: re.compile("|".join(spelt)) for family, spelt in found.items()}


@cache
def talk() -> Mapping[str, re.Pattern[str]]:
    """What is said without saying much: questions, greetings, thanks, praise."""
    named = [line.split("|") for line in read_lines("talk.txt")]
    return {name.strip(): pattern(listed.split(";")) for name, listed in named}


def _spelt(phrase: str) -> str:
    parts = []
    for piece in phrase.split():
        if piece == "...":
            parts.append(r"(?:\w+ ){0,3}")
            continue
        parts += [re.escape(word) + " " for word in words(piece)]
        if piece.endswith("*") and parts:
            parts[-1] = parts[-1].removesuffix(" ") + r"\w* "
    return " " + "".join(parts) if parts else ""


def _family_part(piece: str, lists: Mapping[str, str]) -> str:
    if piece.startswith(".."):
        return rf"(?:\w+ ){{0,{piece[2:]}}}"
    if piece.startswith("?"):
        return f"(?:{_family_part(piece[1:], lists)})?"
    listed = [
        each for one in piece.split("/") for each in (lists[one[1:]] if one[0] == "$" else one).split("/")
    ]
    return f"(?:{'|'.join(_in_a_row(each) for each in listed)})"


def _in_a_row(phrase: str) -> str:
    words_ = (re.escape(word.removesuffix("*")) + r"\w*" * word.endswith("*") for word in phrase.split("_"))
    return " ".join(words_) + " "
