"""Vectors of length 1 in which texts that mean the like are near, in five languages.

Every feature of a text points into a direction of its own, made of its name's digest: buckets of either
sign. Concepts are shared by all languages, so a paraphrase without a common word is near; words and the
letters in them bring texts near that say the same in the same words, typing errors included.
"""

import hashlib
import math
import operator
from collections.abc import Sequence
from functools import lru_cache

from socialsync.simulator.openai.mind.reading import CONCEPT, RELATED, SPELLING, TOPIC, read

_BUCKETS = {CONCEPT: 8, TOPIC: 8}
_FEW_BUCKETS = 5
_GRAMS = (3, 4)


def vector(text: str, dimensions: int = 1536) -> list[float]:
    """``dimensions`` numbers. A text without a word has the direction of its signs."""
    numbers = [0.0] * dimensions
    for feature, weight in (read(text).features or {f"w:{text}": 1.0}).items():
        for bucket, share in _direction(feature, dimensions):
            numbers[bucket] += weight * share
    length = math.sqrt(sum(map(operator.mul, numbers, numbers)))
    if length == 0:
        numbers[0] = length = 1.0
    return [number / length for number in numbers]


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """Of two vectors of length 1."""
    return sum(x * y for x, y in zip(one, other, strict=True))


@lru_cache(maxsize=100_000)
def _direction(feature: str, dimensions: int) -> Sequence[tuple[int, float]]:
    kind, name = feature[:2], feature[2:]
    if kind == RELATED:
        return _direction(CONCEPT + name, dimensions)
    if kind == SPELLING:
        return _of_spelling(name, dimensions)
    return _buckets(feature, _BUCKETS.get(kind, _FEW_BUCKETS), dimensions)


def _of_spelling(word: str, dimensions: int) -> Sequence[tuple[int, float]]:
    bounded = f"<{word}>"
    grams = {bounded[at : at + n] for n in _GRAMS for at in range(len(bounded) - n + 1)} or {bounded}
    share = 1 / math.sqrt(len(grams))
    return [
        (bucket, sign * share) for gram in sorted(grams) for bucket, sign in _buckets(gram, 1, dimensions)
    ]


def _buckets(name: str, count: int, dimensions: int) -> Sequence[tuple[int, float]]:
    digest = hashlib.blake2b(name.encode(errors="surrogatepass"), digest_size=4 * count).digest()
    share = 1 / math.sqrt(count)
    found = []
    for at in range(0, len(digest), 4):
        number = int.from_bytes(digest[at : at + 4], "big")
        found.append(((number >> 1) % dimensions, share if number & 1 else -share))
    return found
