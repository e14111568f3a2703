"""A text, read: the features by which it is compared, each with its weight."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from socialsync.simulator.openai.mind.lexicon import Meaning, meanings, phrases, related
from socialsync.simulator.openai.mind.tongue import common_words, guessed, stop_words
from socialsync.simulator.openai.mind.words import ENGLISH, LANGUAGES, stem, words

_STOP, _COMMON, _ORDINARY = 0.04, 0.3, 1.0
_OF_A_PHRASE = 0.35
"""What is left of a word's own meanings inside a phrase: a gift card is hardly a card."""
_WORD, _KNOWN_WORD, _SPELLING, _KNOWN_SPELLING, _TOPIC, _RELATED = 0.9, 0.55, 0.45, 0.3, 0.22, 0.3
CONCEPT, RELATED, TOPIC, WORD, SPELLING = "c:", "r:", "t:", "w:", "g:"


@dataclass(frozen=True, slots=True)
class Reading:
    """
    Args:
        features: of concepts (``c:``), what comes up with them (``r:``), topics (``t:``), words (``w:``) and
            spellings (``g:``), damped: what is said twice weighs less than double.
    """

    language: str | None
    features: Mapping[str, float]


def read(text: str) -> Reading:
    found = words(text) or [sign for sign in text.split() if sign]
    language = guessed(text, found)
    covered: dict[int, float] = {}
    weights: dict[str, float] = {}
    for at, length, meant in phrases(found, language or ENGLISH):
        _add_meanings(weights, meant, _ORDINARY)
        covered |= dict.fromkeys(range(at, at + length), _OF_A_PHRASE)
    for at, word in enumerate(found):
        for feature, weight in _of_word(word, language):
            share = covered.get(at, 1.0) if feature.startswith((CONCEPT, RELATED, TOPIC)) else 1.0
            weights[feature] = weights.get(feature, 0.0) + weight * share
    return Reading(language, {name: _damped(weight) for name, weight in weights.items()})


@lru_cache(maxsize=100_000)
def _of_word(word: str, language: str | None) -> Sequence[tuple[str, float]]:
    weight = weight_of(word, language)
    meant = meanings(word, language) if weight > _STOP else ()
    if meant and weight < _ORDINARY:
        weight = _COMMON
    weights: dict[str, float] = {}
    _add_meanings(weights, meant, weight)
    weights[WORD + stem(word, language or ENGLISH)] = weight * (_KNOWN_WORD if meant else _WORD)
    weights[SPELLING + word] = weight * (_KNOWN_SPELLING if meant else _SPELLING)
    return tuple(weights.items())


def weight_of(word: str, language: str | None) -> float:
    """How much a folded word says."""
    for each in [language] if language else LANGUAGES:
        if word in stop_words()[each] or (len(word) == 1 and not word.isdigit()):
            return _STOP
        if word in common_words()[each]:
            return _COMMON
    return _ORDINARY


def _add_meanings(weights: dict[str, float], meant: Sequence[Meaning], weight: float) -> None:
    for each in meant:
        concept, topic = CONCEPT + each.concept, TOPIC + each.topic
        weights[concept] = weights.get(concept, 0.0) + weight * each.weight
        weights[topic] = weights.get(topic, 0.0) + weight * each.weight * _TOPIC
        for other in related().get(each.concept, ()):
            name = RELATED + other
            weights[name] = max(weights.get(name, 0.0), weight * each.weight * _RELATED)


def _damped(weight: float) -> float:
    return weight if weight <= 1 else 1 + math.log(weight)
