"""How angry a text is: the weights of its words, praise and softening words taken off."""

import re
from collections.abc import Sequence
from functools import cache

from socialsync.simulator.openai.mind.phrasebook import families

ANGRY_FROM = 3
"""Two words of contempt, or one and a grievance; three grievances without a kind word."""
ALARMING_FROM = 4
"""Of what is neither question nor praise: one grave word, or two that seldom stand where all is well."""
_ALARMING_IF_ASKED = 8
_ANY = 1_000


def temper(said: str) -> int:
    """Of folded text. A word counts once, however often it is said."""
    return _weight(said, "temper.txt")


def is_angry(said: str, *, asks: bool) -> bool:
    """``asks``: whether it has a question, which softens."""
    return temper(said) - asks >= ANGRY_FROM


def is_alarming(said: str, *, asks: bool) -> bool:
    """For what no rule knows: whether its words add up to something that a person should see."""
    return 2 * temper(said) + _weight(said, "alarm.txt") >= (_ALARMING_IF_ASKED if asks else ALARMING_FROM)


def _weight(said: str, table: str) -> int:
    return sum(weight * min(most, len(set(found.findall(said)))) for weight, most, found in _weights(table))


@cache
def _weights(table: str) -> Sequence[tuple[int, int, re.Pattern[str]]]:
    """Weights, how often each counts at most, and words: looked for ahead, so that neighbours share the
    blank between them.
    """
    found = []
    for name, family in families(table).items():
        weight, *named = name.split()
        ahead = re.compile(f"(?=({family.either.pattern}))")
        found.append((int(weight), 1 if named else _ANY, ahead))
    return found
