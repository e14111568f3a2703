"""Whether a sentence holds the answer to a question, and how well.

What a question is about must stand in the sentence, above it, or (worth less) elsewhere in its source. What
no other word can stand for, a name or a number, must be there, and so must the property that is asked for: a
thing's weight is no answer to who asks for its price.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from socialsync.simulator.openai.mind.asking import Asked, Unit, further_meanings, has_number
from socialsync.simulator.openai.mind.evidence import EVIDENCE, HINTS, NUMBERED, names_somebody, tells_time
from socialsync.simulator.openai.mind.reading import CONCEPT, RELATED, WORD, read

HOLDS_FROM = 0.6
_SAME_WORD, _SAME_MEANING, _TOLD, _SAME_ROOT, _RELATED = 1.0, 0.95, 0.92, 0.8, 0.3
_ABOVE, _AROUND, _NAMED_AROUND = 0.9, 0.45, 0.85
"""What it is worth that something stands above a sentence, or elsewhere in its source: a name, most of it."""
_SURE = 0.6
_FOUND, _WEIGHTY = 0.5, 0.5
_NO_NAME, _NO_PROPERTY, _NO_MEANING = 0.3, 0.5, 0.8
_NO_VALUE, _NO_TIME, _NOBODY = 0.5, 0.7, 0.8
"""What is left of a sentence's points for each thing that it lacks."""
_SAME_LANGUAGE = 0.03
_SHORTEST_BEGINNING, _LONGEST_ENDING, _SHORTEST_ROOT = 5, 3, 3
_ARABIC_LETTER = re.compile("[\u0600-\u06ff]")
_ARABIC_BEFORE_ROOT = re.compile("^(?:است|مست|[يتنا])")
_ARABIC_VOWEL = re.compile("[اوي]")


def holds(asked: Asked, language: str, sentence: str, above: str, around: str) -> float:
    """From 0 to a little over 1; an answer from ``HOLDS_FROM``.

    Args:
        above: the sentence's heading, or the question that it answers.
        around: the whole source.
    """
    total = covered = 0.0
    left = _left_by_form(asked, sentence)
    for unit in asked.units:
        inside = max(_match(unit, sentence), _match(unit, above) * _ABOVE)
        tells = _tells(unit, sentence) if asked.wants_value else None
        if tells is False:
            left *= _NO_VALUE
        elif tells and len(asked.units) > 1:
            continue  # of what it wants to know there is no need to speak
        elif tells:
            inside = max(inside, _TOLD)
        value = max(inside, _match(unit, around) * (_NAMED_AROUND if unit.is_name else _AROUND))
        total += unit.weight
        covered += unit.weight * value
        left *= _left_without(unit, inside, value, is_about_somebody="person" in asked.kinds)
    points = covered / total * left if total else 0.0
    return points + _SAME_LANGUAGE * (read(sentence).language == language) if points else 0.0


def _tells(unit: Unit, sentence: str) -> bool | None:
    """Whether it has the value of what is asked for; None for what has no such signs."""
    signs = [found for name in unit.meant if (found := EVIDENCE.get(name))]
    if any(HINTS[name](sentence) for name in unit.meant if name in HINTS):
        return True
    return any(found(sentence) for found in signs) if signs else None


def _left_without(unit: Unit, inside: float, value: float, *, is_about_somebody: bool) -> float:
    """What somebody does is what a question about him asks for: there unknown words count as well."""
    if unit.is_name and value < _FOUND:
        return _NO_NAME
    if unit.is_property and inside < _FOUND and unit.weight > _WEIGHTY:
        return _NO_PROPERTY
    if value > _RELATED:
        return 1.0
    is_missed = unit.weight > _RELATED if is_about_somebody else unit.is_known and unit.weight > _WEIGHTY
    return _NO_MEANING if is_missed else 1.0


def _left_by_form(asked: Asked, sentence: str) -> float:
    """What is left of a sentence that lacks what the question's form wants."""
    is_numbered = asked.wants_value and any(NUMBERED & set(unit.meant) for unit in asked.units)
    if ("count" in asked.kinds or is_numbered) and not has_number(sentence):
        return _NO_VALUE
    if "time" in asked.kinds and not tells_time(sentence):
        return _NO_TIME
    return _NOBODY if "person" in asked.kinds and not names_somebody(sentence) else 1.0


def _match(unit: Unit, text: str) -> float:
    """How well it stands in a text: by its words, what they mean, their roots, or what comes up with them."""
    features = _features(text)
    if unit.stems and all(WORD + stem in features for stem in unit.stems):
        return _SAME_WORD
    found = [_SAME_MEANING for _ in unit.further & further_meanings(text)]
    found += [
        _SAME_MEANING * min(1.0, features[CONCEPT + name] / _SURE) * min(1.0, sure / _SURE)
        for name, sure in unit.concepts.items()
        if CONCEPT + name in features
    ]
    if unit.stems and all(any(_of_one_root(stem, other) for other in _stems(text)) for stem in unit.stems):
        found.append(_SAME_ROOT)
    if not found and any(RELATED + name in features for name in unit.concepts):
        return _RELATED
    return max(found, default=0.0)


@lru_cache(maxsize=200_000)
def _of_one_root(one: str, other: str) -> bool:
    """Whether two stems are probably of one root: a long beginning in common, in Arabic the consonants."""
    if _ARABIC_LETTER.match(one):
        short, long = sorted((_consonants(one), _consonants(other)), key=len)
        return len(short) >= _SHORTEST_ROOT and long.startswith(short) and len(long) <= len(short) + 1
    pairs = enumerate(zip(one, other, strict=False))
    same = next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))
    return same >= _SHORTEST_BEGINNING and max(len(one), len(other)) - same <= _LONGEST_ENDING


def _consonants(word: str) -> str:
    bare = _ARABIC_BEFORE_ROOT.sub("", word) if len(word) > _SHORTEST_ROOT else word
    return _ARABIC_VOWEL.sub("", bare)


@lru_cache(maxsize=5_000)
def _stems(text: str) -> Sequence[str]:
    return [name.removeprefix(WORD) for name in _features(text) if name.startswith(WORD)]


@lru_cache(maxsize=5_000)
def _features(text: str) -> Mapping[str, float]:
    return read(text).features if text else {}
