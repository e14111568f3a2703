"""Vectors as an embedding server answers them, and as we keep them."""

import array
import asyncio
import base64
import math
import sys
from collections.abc import Sequence
from typing import Any, Final

from socialsync.ai.errors import AnswerUnusable, CallRefused

DIMENSIONS: Final = 1_536
"""Of every vector we keep. Shorter ones are filled with zeros, which changes no angle between them."""
_NEARLY: Final = 1e-4
_AT_A_TIME: Final = 8
"""Vectors that are read without a pause: a millisecond."""


async def read_vectors(rows: Sequence[Any], count: int) -> list[Sequence[float]]:
    """One a text, in the order of the texts: ``DIMENSIONS`` numbers of length 1.

    Args:
        rows: ``data`` of the answer.
        count: of the texts.

    Raises:
        AnswerUnusable, CallRefused.
    """
    found = {row["index"]: row["embedding"] for row in rows}
    if set(found) != set(range(count)):
        raise AnswerUnusable("The embedding server did not answer with one vector for each text.")
    vectors: list[Sequence[float]] = []
    for index in range(count):
        vectors.append(_unit(_numbers(found[index])))
        if index % _AT_A_TIME == 0:
            await asyncio.sleep(0)  # other jobs go on meanwhile
    return vectors


def _numbers(answer: str | Sequence[float]) -> Sequence[float]:
    """Base64 of little-endian 32-bit floats, or numbers of a server that knows no base64.

    Raises:
        AnswerUnusable.
    """
    if not isinstance(answer, str):
        return answer
    numbers = array.array("f")
    try:
        numbers.frombytes(base64.b64decode(answer, validate=True))
    except ValueError:
        raise AnswerUnusable("The embedding server answered with a vector that is no vector.") from None
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _unit(vector: Sequence[float]) -> Sequence[float]:
    if len(vector) > DIMENSIONS:
        raise CallRefused(
            f"The embedding model gives vectors of {len(vector):,} numbers; SocialSync keeps {DIMENSIONS:,}.",
            fix="Set SOCIALSYNC_EMBEDDING_MODEL to one with at most 1,536 dimensions.",
        )
    length = math.hypot(*vector)
    if not math.isfinite(length) or length == 0:
        raise AnswerUnusable("The embedding server answered with a vector without a direction.")
    unit = vector if abs(length - 1) < _NEARLY else [each / length for each in vector]
    return unit if len(unit) == DIMENSIONS else [*unit, *[0.0] * (DIMENSIONS - len(unit))]
