"""What a question is about, and what it wants to know of it.

"How much does the blue one weigh?" is about what is blue, and wants a weight: a number, of kilograms or so.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from socialsync.simulator.openai.mind.lexicon import PROPERTY, Meaning, further_books, meanings, phrases
from socialsync.simulator.openai.mind.phrasebook import folded, pattern
from socialsync.simulator.openai.mind.reading import weight_of
from socialsync.simulator.openai.mind.shelf import read_lines
from socialsync.simulator.openai.mind.tongue import guessed
from socialsync.simulator.openai.mind.words import (
    ARABIC,
    ARABIC_PROCLITICS,
    ENGLISH,
    FRENCH,
    GERMAN,
    SPANISH,
    fold,
    stem,
    words,
)

_STOP_BELOW = 0.1
_QUANTITY, _LIGHT, _UNKNOWN, _NAME = 0.1, 0.2, 0.8, 1.3
_VERB = 0.55
"""What an unknown verb weighs of an unknown noun: it has more synonyms."""
_SURE, _LEAST_SURE = 0.5, 0.5
_LONG_WORD, _PART = 9, 0.7
_PIECE = re.compile(r"[^\W_]+|[.!?؟:…€$£%°]")
_BEFORE_VERBS = frozenset({
    "i", "you", "we", "they", "to", "can", "could", "may", "must", "should", "will", "please",
})  # fmt: skip
_BEFORE_NAMES = {GERMAN: {"nach", "in", "aus"}, ARABIC: {"الي", "في"}}
"""Where capitals tell no names: an unknown word after one of these is a place's, mostly."""
_PROPERTIES = frozenset({
    "colour", "material", "size", "address", "phone", "email", "website", "weight", "temperature", "age",
    "language_spoken", "ingredients",
})  # fmt: skip
"""Of the topics' concepts: what may be asked of anything."""
_LIKE_VERBS = {
    FRENCH: re.compile(r"\w{3,}(?:er|ir|re|ez)"),
    SPANISH: re.compile(r"\w{2,}[aei]r(?:[mts]e|l[aeo]s?|nos)?"),
    GERMAN: re.compile(r"\w{3,}(?:en|ern|eln)"),
    ARABIC: re.compile(r"[انتي]\w{3,}"),
}


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing that a question is about: a word or a phrase.

    Args:
        concepts: what it may mean in the lexicon's topics, with how sure that is.
        further: what else it may mean.
        is_property: it may name a property.
        is_name: of somebody or something: no other word can stand for it.
        is_number: it says nothing alone.
    """

    stems: Sequence[str]
    weight: float
    concepts: Mapping[str, float]
    further: frozenset[str] = frozenset()
    is_property: bool = False
    is_name: bool = False
    is_number: bool = False

    @property
    def is_known(self) -> bool:
        return bool(self.further) or any(sure >= _SURE for sure in self.concepts.values())

    @property
    def meant(self) -> Sequence[str]:
        return [*self.concepts, *self.further]


@dataclass(frozen=True, slots=True)
class Asked:
    """
    Args:
        kinds: of what is wanted, by the question's form: ``person``, ``time``, ``count``.
        is_open: whether more than yes or no is wanted.
    """

    units: Sequence[Unit]
    kinds: frozenset[str]
    is_open: bool

    @property
    def weight(self) -> float:
        return sum(unit.weight for unit in self.units)

    @property
    def is_about_something(self) -> bool:
        """Whether it says more than numbers."""
        return not all(unit.is_number for unit in self.units)

    @property
    def wants_value(self) -> bool:
        """Whether it asks for a property's value: not whether, nor when or by whom something is done."""
        return self.is_open and not self.kinds & {"time", "person"}

    def after(self, before: "Asked") -> "Asked":
        """With what was asked before, which it goes on with."""
        units = [*before.units, *self.units]
        return Asked(units, self.kinds or before.kinds, self.is_open or before.is_open)


@lru_cache(maxsize=1_000)
def asked_in(question: str) -> Asked:
    found = words(question)
    language = guessed(question, found)
    said = folded(question)
    kinds, begun = _kinds_in(said)
    names, numbers = _names_in(question, language)
    known, taken = _phrases_in(found, language or ENGLISH)
    units = []
    for at, word in enumerate(found):
        weight = weight_of(word, language)
        if at in taken or at in begun or weight < _STOP_BELOW:
            continue
        if word.isdigit() or _spoken("number").fullmatch(f" {word} "):
            is_name = at in numbers
            units.append(Unit((word,), _NAME if is_name else _QUANTITY, {}, is_name=is_name, is_number=True))
        else:
            light = _LIGHT if _spoken("light").fullmatch(f" {word} ") else 1.0
            before = found[at - 1] if at else ""
            units += _units_of(word, before, language, weight * light, is_name=at in names)
    has_property = any(unit.is_property for unit in units)
    units += [
        unit for at, unit in known if not (at in begun and has_property and "price" in unit.concepts)
    ]  # "how much" asks for a price, unless it asks for something else
    return Asked(units, kinds, bool(kinds) or _spoken("value").search(said) is not None)


@lru_cache(maxsize=5_000)
def further_meanings(text: str) -> frozenset[str]:
    """Of properties and everyday words that stand in a text."""
    found = words(text)
    language = guessed(text, found) or ENGLISH
    book = further_books()[language]
    single = {each.concept for word in found for each in book.find(word, language)}
    return frozenset(
        single | {each.concept for *_, meant in phrases(found, language, book) for each in meant}
    )


def has_number(text: str) -> bool:
    """In digits or in words."""
    bare = " ".join(word[1:] for word in words(text) if word.startswith(ARABIC_PROCLITICS))
    return any(c.isdigit() for c in text) or bool(_spoken("number").search(f"{folded(text)} {bare} "))


def _units_of(word: str, before: str, language: str | None, weight: float, *, is_name: bool) -> list[Unit]:
    own = language or ENGLISH
    kept = (stem(word, own),)
    meant, more = meanings(word, language), further_books()[own].find(word, own)
    if not meant and not more:
        if (is_name and language != GERMAN) or before in _BEFORE_NAMES.get(own, ()):
            return [Unit(kept, _NAME, {}, is_name=True)]
        is_verb = not is_name and _looks_like_verb(word, before, language)
        return [Unit(kept, weight * _UNKNOWN * (_VERB if is_verb else 1.0), {})]
    if language == GERMAN and len(meant) > 1 and not more and len(word) > _LONG_WORD:
        parts = ({each.concept: min(1.0, each.weight * 2)} for each in meant)
        return [Unit(kept, weight * _PART, part) for part in parts]
    sure = max(each.weight for each in (*meant, *more)) ** 2
    concepts = {each.concept: each.weight for each in meant}
    weight *= max(sure, 0.0 if more else _LEAST_SURE)
    return [Unit(kept, weight, concepts, *_further(meant, more))]


def _further(meant: Sequence[Meaning], more: Sequence[Meaning]) -> tuple[frozenset[str], bool]:
    """What else is meant, and whether anything of all is a property."""
    is_property = any(each.topic == PROPERTY or each.concept in _PROPERTIES for each in (*meant, *more))
    return frozenset(each.concept for each in more), is_property


def _looks_like_verb(word: str, before: str, language: str | None) -> bool:
    if language == ENGLISH:
        return before in _BEFORE_VERBS
    return language is not None and _LIKE_VERBS[language].fullmatch(word) is not None


def _phrases_in(found: Sequence[str], language: str) -> tuple[list[tuple[int, Unit]], set[int]]:
    """The phrases, each with its place; and the places of all their words."""
    units: list[tuple[int, Unit]] = []
    taken: set[int] = set()
    for book in (further_books()[language], None):
        for at, length, meant in phrases(found, language, book):
            if at in taken:
                continue
            places = range(at, at + length)
            said = tuple(
                stem(found[n], language) for n in places if weight_of(found[n], language) >= _STOP_BELOW
            )
            weight = max(each.weight for each in meant) ** 2
            own, more = ((), meant) if book else (meant, ())
            concepts = {each.concept: each.weight for each in own}
            units.append((at, Unit(said, weight, concepts, *_further(own, more))))
            taken |= set(places)
    return units, taken


def _kinds_in(said: str) -> tuple[frozenset[str], set[int]]:
    """What a question's form wants, and the places of the words that say so."""
    kinds: set[str] = set()
    begun: set[int] = set()
    for kind in ("time", "count", "person"):
        found = _spoken(kind).search(said)
        if not found or (kind == "person" and (kinds or found.start() > 0)):
            continue
        kinds.add(kind)
        first = said[: found.start()].count(" ")
        begun |= set(range(first, first + len(found[0].split())))
    if _spoken("measure").search(said):
        kinds.add("count")
    return frozenset(kinds), begun


def _names_in(question: str, language: str | None) -> tuple[set[int], set[int]]:
    """Places of words with a capital inside a sentence (in German: of nouns), and of numbers that count
    nothing: a model's, a year's.
    """
    pieces = _PIECE.findall(unicodedata.normalize("NFC", question))
    spoken = [piece for piece in pieces if piece[0].isalnum()]
    loud = sum(piece.isupper() for piece in spoken) * 2 > len(spoken)
    names: set[int] = set()
    numbers: set[int] = set()
    at = -1
    for before, piece, after in zip([".", *pieces], pieces, [*pieces[1:], "."], strict=False):
        if not piece[0].isalnum():
            continue
        at += 1
        if piece.isdigit():
            counts = after in "€$£%°" or before in "€$£" or weight_of(fold(after), language) > _STOP_BELOW
            if at - 1 in names or (after in ".!?؟:…" and before not in "€$£") or not counts:
                numbers.add(at)
        elif piece[0].isupper() and before[0].isalnum() and not loud:
            names.add(at)
    return names, numbers


@cache
def _spoken(kind: str) -> re.Pattern[str]:
    named = [line.split("|") for line in read_lines("asking.txt")]
    return {name.strip(): pattern(listed.split(";")) for name, listed in named}[kind]
