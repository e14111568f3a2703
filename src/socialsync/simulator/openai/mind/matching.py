"""How well a sentence answers a question: how much of what the question is about stands in it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from socialsync.simulator.openai.mind.lexicon import meanings, phrases
from socialsync.simulator.openai.mind.reading import CONCEPT, RELATED, TOPIC, WORD, read, weight_of
from socialsync.simulator.openai.mind.tongue import guessed
from socialsync.simulator.openai.mind.words import ENGLISH, stem, words

_STOP_BELOW = 0.1
_SAME_WORD, _SAME_CONCEPT, _RELATED, _SAME_TOPIC = 1.0, 0.92, 0.3, 0.12
_ABOVE, _AROUND = 0.8, 0.3
"""What it is worth that something stands above a sentence, or elsewhere in its source."""
_FITTING = 0.12
_SAME_LANGUAGE = 0.03
_NUMBER = re.compile(r"\d")
_MONEY = re.compile(
    r"[€$£%]|\b(?:euros?|eur|usd|dollars?|chf|dh|dirhams?)\b|يورو|دولار|درهم|ريال", re.IGNORECASE
)
_ASKS_FOR = {
    "price": _MONEY,
    "discount": _MONEY,
    "opening_hours": _NUMBER,
    "duration": _NUMBER,
    "phone": re.compile(r"\d[\d .-]{5,}"),
    "email": re.compile(r"@"),
}
"""What a sentence has that answers a question after such a thing."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing that a question is about: a word, or a phrase, and what it may mean."""

    stem: str
    concepts: Mapping[str, float]
    topics: frozenset[str]
    weight: float


def units(text: str) -> Sequence[Unit]:
    found = words(text)
    language = guessed(text, found)
    result = []
    covered: set[int] = set()
    for at, length, meant in phrases(found, language or ENGLISH):
        concepts = {each.concept: each.weight for each in meant}
        topics = frozenset(each.topic for each in meant)
        result.append(Unit("", concepts, topics, max(concepts.values())))
        covered |= set(range(at, at + length))
    for at, word in enumerate(found):
        weight = weight_of(word, language)
        if at in covered or weight < _STOP_BELOW:
            continue
        meant = meanings(word, language)
        concepts = {each.concept: each.weight for each in meant}
        known = max((*concepts.values(), 0.5)) if concepts else 1.0
        topics = frozenset(each.topic for each in meant)
        result.append(Unit(stem(word, language or ENGLISH), concepts, topics, weight * known))
    return result


def score(asked: Sequence[Unit], language: str, sentence: str, above: str, around: str) -> float:
    """From 0 to a little over 1.

    Args:
        above: the sentence's heading, or the question that it answers.
        around: the whole source.
    """
    total = sum(unit.weight for unit in asked)
    if not total:
        return 0.0
    layers = [(_features(sentence), 1.0), (_features(above), _ABOVE), (_features(around), _AROUND)]
    covered = sum(unit.weight * max(_match(unit, layer) * worth for layer, worth in layers) for unit in asked)
    points = covered / total
    if points > 0:
        points += _FITTING * _fits(asked, sentence)
        points += _SAME_LANGUAGE * (read(sentence).language == language)
    return points


def _match(unit: Unit, features: Mapping[str, float]) -> float:
    if unit.stem and WORD + unit.stem in features:
        return _SAME_WORD
    same = [
        min(1.0, features[CONCEPT + name] / 0.6) * min(1.0, weight / 0.6)
        for name, weight in unit.concepts.items()
        if CONCEPT + name in features
    ]
    if same:
        return _SAME_CONCEPT * max(same)
    if any(RELATED + name in features for name in unit.concepts):
        return _RELATED
    return _SAME_TOPIC if any(TOPIC + topic in features for topic in unit.topics) else 0.0


def _fits(asked: Sequence[Unit], sentence: str) -> bool:
    wanted = [found for unit in asked for name in unit.concepts if (found := _ASKS_FOR.get(name))]
    return any(found.search(sentence) for found in wanted)


@lru_cache(maxsize=5_000)
def _features(text: str) -> Mapping[str, float]:
    return read(text).features if text else {}
