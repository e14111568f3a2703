"""Phrases that are looked for in folded text: ``*`` ends a word anyhow, ``...`` stands for up to three
words.
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
