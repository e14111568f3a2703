"""What needs no model: danger, which no rule of a workspace overrules, and a wish for a person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from re import Pattern

from socialsync.features.decisions import asking, phrases
from socialsync.features.decisions.phrases import Phrases

LANGUAGES = ("en", "fr", "es", "de", "pt", "it", "ar")
DANGERS = ("self_harm", "minors", "threat")
"""The graver stands first."""
LONGEST = 10_000
_HARMLESS = "harmless"
REASONS = {
    "self_harm": "It may be about self-harm or suicide.",
    "minors": "It may be about harm to a minor.",
    "threat": "It may be a threat.",
}


@dataclass(frozen=True)
class Concern:
    """Why a person must look: the rule's name, and a sentence for who reviews it."""

    rule: str
    reason: str


@dataclass(frozen=True)
class Book:
    """One language's phrases, by kind."""

    harmless: Pattern[str]
    dangers: Mapping[str, Phrases]


def guarded(text: str) -> Concern | None:
    """What escalates it, or None where rules, moderation and the model decide."""
    if not text.strip():
        return Concern("no_text", "There is nothing in it that can be read.")
    if kind := danger(text):
        return Concern(kind, REASONS[kind])
    if asking.asks_for_person(text):
        return Concern("asks_for_person", "A person was asked for.")
    return None


def danger(text: str) -> str | None:
    """``self_harm``, ``minors`` or ``threat``: in whatever language, figures of speech aside."""
    said = phrases.folded(text[:LONGEST])
    found = set()
    for book in _books():
        meant = book.harmless.sub(" . ", said)
        found |= {kind for kind, some in book.dangers.items() if some.stand_in(meant)}
    return next((kind for kind in DANGERS if kind in found), None)


@cache
def _books() -> Sequence[Book]:
    return [_read(language) for language in LANGUAGES]


def _read(language: str) -> Book:
    source = resources.files(__package__).joinpath("dangers", f"{language}.txt").read_text(encoding="utf-8")
    lists: dict[str, str] = {}
    found: dict[str, list[str]] = {kind: [] for kind in (*DANGERS, _HARMLESS)}
    for line in filter(None, map(str.strip, source.splitlines())):
        if line.startswith("$"):
            name, _, words = line[1:].partition(" = ")
            lists[name] = phrases.listed(words, lists)
        elif not line.startswith("#"):
            kind, _, phrase = line.partition(": ")
            found[kind].append(phrase)
    harmless = phrases.pattern(found.pop(_HARMLESS), lists)
    return Book(harmless, {kind: phrases.finding(some, lists) for kind, some in found.items()})
