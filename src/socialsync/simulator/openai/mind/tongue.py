"""In which of five languages a text is, by its commonest words, its letters and its endings."""

# ruff: noqa: RUF001 - two alphabets' letters look alike

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache

from socialsync.simulator.openai.mind.lexicon import books
from socialsync.simulator.openai.mind.shelf import read_lines
from socialsync.simulator.openai.mind.words import ARABIC, ENGLISH, FRENCH, GERMAN, LANGUAGES, SPANISH, words

_ARABIC_LETTER = re.compile("[\u0600-\u06ff]")
_COMMON, _RARE = 4, 2
_LETTERS = (
    (re.compile("[ßäöü]", re.IGNORECASE), GERMAN),
    (re.compile("[ñ¿¡]|[aio]ción", re.IGNORECASE), SPANISH),
    (re.compile("[çèêëîœ]|[\\b ][cdjlmnst]['’]", re.IGNORECASE), FRENCH),
    (re.compile("[áíóú]", re.IGNORECASE), SPANISH),
    (re.compile(r"\w[ \u00a0\u202f][?!:]"), FRENCH),
)


@cache
def stop_words() -> dict[str, frozenset[str]]:
    """Folded, by language: words that say nothing of what a text is about."""
    return _by_language("stop.txt")


@cache
def common_words() -> dict[str, frozenset[str]]:
    """Folded, by language: words that say little."""
    return _by_language("common.txt")


def language_of(text: str, otherwise: str = ENGLISH) -> str:
    """``en``, ``fr``, ``es``, ``de`` or ``ar``."""
    return guessed(text, words(text)) or otherwise


def guessed(text: str, found: Sequence[str]) -> str | None:
    """The language of a text whose words are given; None when nothing tells."""
    votes: Counter[str] = Counter()
    for word in found:
        for language, weight in _votes().get(word, ()):
            votes[language] += weight
    if _ARABIC_LETTER.search(text):
        votes[ARABIC] += len(_ARABIC_LETTER.findall(text))
    for pattern, language in _LETTERS:
        if pattern.search(text):
            votes[language] += 3
    if not votes:
        return None
    return max(LANGUAGES, key=lambda language: votes[language])


@cache
def _votes() -> dict[str, list[tuple[str, int]]]:
    """What each word says of the language: more, the fewer languages have it and the commoner it is."""
    owners: dict[str, dict[str, int]] = {}
    for language in LANGUAGES:
        for word in books()[language].exact:
            owners.setdefault(word, {})[language] = _RARE
        for word in stop_words()[language] | common_words()[language]:
            owners.setdefault(word, {})[language] = _COMMON
    return {
        word: [(language, vote // len(all_)) for language, vote in all_.items()]
        for word, all_ in owners.items()
    }


def _by_language(name: str) -> dict[str, frozenset[str]]:
    found = {}
    for line in read_lines(name):
        language, _, listed = line.partition(":")
        found[language] = frozenset(word for each in listed.split() for word in words(each))
    return found
