"""Phrases that are looked for in folded text: ``*`` ends a word anyhow, ``...`` stands for up to three
words.

In tables of families besides: ``a/b`` is either, ``a_b`` two words in a row, ``..3`` up to three words,
``?a`` may be missing, ``$name`` is a list that stands above, and ``this & that`` are parts that stand
anywhere, in whatever order.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from socialsync.simulator.openai.mind.shelf import read_lines
from socialsync.simulator.openai.mind.words import words

_TOGETHER = " & "


@dataclass(frozen=True, slots=True)
class Family:
    """``either`` finds a phrase of one part; ``together`` has the parts of each of the others."""

    either: re.Pattern[str]
    together: Sequence[Sequence[re.Pattern[str]]]

    def stands_in(self, said: str) -> bool:
        if self.either.search(said):
            return True
        return any(all(part.search(said) for part in parts) for parts in self.together)


def folded(text: str) -> str:
    """The words of a text, one blank between them and one at either end."""
    return f" {' '.join(words(text))} "


def pattern(phrases: Iterable[str]) -> re.Pattern[str]:
    """Finds any of them in folded text."""
    spelt = [_spelt(phrase) for phrase in phrases]
    return re.compile("|".join(each for each in spelt if each) or r"(?!)")


@cache
def families(name: str) -> Mapping[str, Family]:
    """A table's families, in its order: ``name: phrase``, a phrase a line."""
    lists: dict[str, str] = {}
    found: dict[str, list[list[str]]] = {}
    for line in read_lines(name):
        if line.startswith("$"):
            of, _, words_ = line[1:].partition(" = ")
            lists[of] = _listed(words_, lists)
        else:
            family, _, phrase = line.partition(": ")
            parts = [_family_phrase(part, lists) for part in phrase.split(_TOGETHER)]
            found.setdefault(family, []).append(parts)
    return {family: _family(parts) for family, parts in found.items()}


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


def _family(phrases: Sequence[Sequence[str]]) -> Family:
    single = "|".join(parts[0] for parts in phrases if len(parts) == 1)
    together = [[re.compile(part) for part in parts] for parts in phrases if len(parts) > 1]
    return Family(re.compile(single or r"(?!)"), together)


def _family_phrase(phrase: str, lists: Mapping[str, str]) -> str:
    return " " + "".join(_family_part(piece, lists) for piece in phrase.split())


def _family_part(piece: str, lists: Mapping[str, str]) -> str:
    if piece.startswith(".."):
        return rf"(?:\w+ ){{0,{piece[2:]}}}"
    if piece.startswith("?"):
        return f"(?:{_family_part(piece[1:], lists)})?"
    return f"(?:{'|'.join(_in_a_row(each) for each in _listed(piece, lists).split('/'))})"


def _listed(words_: str, lists: Mapping[str, str]) -> str:
    """Words with what the lists among them stand for."""
    return "/".join(lists[each[1:]] if each.startswith("$") else each for each in words_.split("/"))


def _in_a_row(phrase: str) -> str:
    words_ = (re.escape(word.removesuffix("*")) + r"\w*" * word.endswith("*") for word in phrase.split("_"))
    return " ".join(words_) + " "
