"""How angry a text is: the weights of its words, praise and softening words taken off."""

import re
from collections.abc import Sequence
from functools import cache

from socialsync.simulator.openai.mind.phrasebook import families

ANGRY_FROM = 3
"""Two words of contempt, or one and a grievance; three grievances without a kind word."""


def temper(said: str) -> int:
    """Of folded text. A word counts once, however often it is said."""
    return sum(weight * len(set(found.findall(said))) for weight, found in _weights())


def is_angry(said: str, *, asks: bool) -> bool:
    """``asks``: whether it has a question, which softens."""
    return temper(said) - asks >= ANGRY_FROM


@cache
def _weights() -> Sequence[tuple[int, re.Pattern[str]]]:
    """Looked for ahead, so that neighbours share the blank between them."""
    return [
        (int(weight), re.compile(f"(?=({family.either.pattern}))"))
        for weight, family in families("temper.txt").items()
    ]
