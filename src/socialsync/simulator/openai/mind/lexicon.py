"""What words mean: concepts that five languages share.

A file for each topic in ``lexicon/``, a line for each concept: its name (with a weight below 1 where it says
little), then its words in English, French, Spanish, German and Arabic; an underscore joins words to a phrase.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache

from socialsync.simulator.openai.mind.shelf import FOLDER, read_lines
from socialsync.simulator.openai.mind.words import GERMAN, LANGUAGES, spellings, stem, words

_NO_TOPICS = frozenset({
    "stop", "common", "moderation", "decisions", "talk", "related", "matters", "signs", "temper",
    "alarm", "calm", "noise", "attributes", "asking", "everyday",
})  # fmt: skip
PROPERTY = "attributes"
_SHORTEST_PART = 4
_SHORTEST_BEGINNING = 5
_LONGEST_COMPOUND = 100
"""Letters. What is longer is no word, and each place to part it would be tried."""
_LONGEST_PHRASE = 4
SURE, LIKELY, FOREIGN = 1.0, 0.8, 0.6


@dataclass(frozen=True, slots=True)
class Meaning:
    """A concept that a word stands for. ``weight``: how much it says, times how sure it is."""

    concept: str
    topic: str
    weight: float


@dataclass(slots=True)
class Book:
    """One language's words and phrases. A phrase is known by its words' stems."""

    exact: dict[str, list[Meaning]] = field(default_factory=dict)
    stems: dict[str, list[Meaning]] = field(default_factory=dict)
    phrases: dict[tuple[str, ...], list[Meaning]] = field(default_factory=dict)
    first_of_phrases: set[str] = field(default_factory=set)

    def find(self, word: str, language: str) -> list[Meaning]:
        for spelling in spellings(word, language):
            if found := self.exact.get(spelling) or self.stems.get(spelling):
                return found
        return []

    def add(self, listed: str, meaning: Meaning, language: str) -> None:
        parts = words(listed.replace("_", " "))
        if len(parts) > 1:
            key = tuple(stem(part, language) for part in parts)
            _join(self.phrases.setdefault(key, []), meaning)
            self.first_of_phrases.add(key[0])
        elif parts:
            _join(self.exact.setdefault(parts[0], []), meaning)
            for spelling in spellings(parts[0], language)[1:2]:
                _join(self.stems.setdefault(spelling, []), meaning)


@cache
def books() -> dict[str, Book]:
    return _read(path.stem for path in sorted(FOLDER.glob("*.txt")) if path.stem not in _NO_TOPICS)


@cache
def further_books() -> dict[str, Book]:
    """Of what vectors know nothing: properties that anything may have (its weight, its owner), of the topic
    ``PROPERTY``, and everyday words.
    """
    return _read([PROPERTY, "everyday"])


@cache
def related() -> Mapping[str, frozenset[str]]:
    """The concepts that come up together with each."""
    found: dict[str, set[str]] = {}
    for line in read_lines("related.txt"):
        together = line.split()
        for each in together:
            found.setdefault(each, set()).update(together)
    return {name: frozenset(others - {name}) for name, others in found.items()}


@lru_cache(maxsize=200_000)
def meanings(word: str, language: str | None) -> tuple[Meaning, ...]:
    """What a folded word may mean in a text of this language; nothing, for words that are none of ours."""
    own = [language] if language else list(LANGUAGES)
    for each in own:
        if found := books()[each].find(word, each):
            return _weighed(found, SURE)
    for each in own:
        if found := _by_parts(word, each):
            return _weighed(found, LIKELY)
    for each in LANGUAGES:
        if each != language and (foreign := books()[each].exact.get(word)):
            return _weighed(foreign, FOREIGN)
    return ()


def phrases(
    found: Sequence[str], language: str, book: Book | None = None
) -> list[tuple[int, int, tuple[Meaning, ...]]]:
    """The phrases among folded words: where each begins, how many words it has, what it means."""
    book = book or books()[language]
    stems = [stem(word, language) for word in found]
    hits = []
    at = 0
    while at < len(stems):
        taken = 1
        if stems[at] in book.first_of_phrases:
            for length in range(min(_LONGEST_PHRASE, len(stems) - at), 1, -1):
                if meaning := book.phrases.get(tuple(stems[at : at + length])):
                    hits.append((at, length, _weighed(meaning, SURE)))
                    taken = length
                    break
        at += taken
    return hits


def _read(topics: Iterable[str]) -> dict[str, Book]:
    found = {language: Book() for language in LANGUAGES}
    for topic in topics:
        for line in read_lines(f"{topic}.txt"):
            head, *columns = line.split("|")
            name, _, weight = head.strip().partition("*")
            meaning = Meaning(name, topic, float(weight or 1))
            for language, column in zip(LANGUAGES, columns, strict=True):
                for listed in column.split():
                    found[language].add(listed, meaning, language)
    return found


def _by_parts(word: str, language: str) -> list[Meaning]:
    """A German compound's parts, or the longest beginning that is a word of ours."""
    if len(word) > _LONGEST_COMPOUND:
        return []
    book = books()[language]
    if language == GERMAN and len(word) >= 2 * _SHORTEST_PART:
        for at in range(len(word) - _SHORTEST_PART, _SHORTEST_PART - 1, -1):
            head, tail = word[:at], word[at:]
            for left in (head, head.removesuffix("s")):
                first, second = book.find(left, language), book.find(tail, language)
                if first and second:
                    return [*first[:1], *second[:1]]
        for at in range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1):
            if part := book.exact.get(word[at:]) or book.exact.get(word[: len(word) - at + 1]):
                return part
    for length in range(len(word) - 1, _SHORTEST_BEGINNING - 1, -1):
        if beginning := book.stems.get(word[:length]):
            return beginning
    return []


def _weighed(found: Sequence[Meaning], sureness: float) -> tuple[Meaning, ...]:
    """Of several meanings each is less sure."""
    share = sureness / len(found) ** 0.5
    return tuple(Meaning(each.concept, each.topic, each.weight * share) for each in found)


def _join(meanings_: list[Meaning], meaning: Meaning) -> None:
    if meaning not in meanings_:
        meanings_.append(meaning)
