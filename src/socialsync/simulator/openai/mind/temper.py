"""How angry a text is: the weights of its words, praise and softening words taken off."""

import re
from collections.abc import Sequence
from functools import cache

from socialsync.simulator.openai.mind.phrasebook import families

ANGRY_FROM = 3
"""Two words of contempt, or one and a grievance; three grievances without a kind word."""
ALARMING_FROM = 4
"""Of what is neither question nor praise: one grave word, or two that seldom stand where all is well."""
_ALARMING_THOUGH_KIND = 8
_ANY = 1_000
_REMARK = 6
_OPENING = 30
_KIND_SIGN = re.compile(
    "[\u2764\u2763\u2728\u263a\U0001f495-\U0001f49f\U0001f600-\U0001f60d\U0001f618\U0001f61a-\U0001f61d\U0001f923"
    "\U0001f929\U0001f970\U0001f973\U0001f979\U0001f90d-\U0001f90f\U0001f525\U0001f44f\U0001f44d\U0001f389\U0001f90d\U0001f924]"
)
"""Hearts, laughter, applause."""


def temper(said: str) -> int:
    """Of folded text. A word counts once, however often it is said."""
    return _weight(said, "temper.txt")


def is_angry(said: str, *, asks: bool) -> bool:
    """``asks``: whether it has a question, which softens."""
    return temper(said) - asks >= ANGRY_FROM


def is_alarming(text: str, said: str, *, asks: bool) -> bool:
    """For what no rule knows: whether its words add up to something that a person should see."""
    found = 2 * temper(said) + _weight(said, "alarm.txt")
    return found >= (_ALARMING_THOUGH_KIND if asks or is_kind(text, said) else ALARMING_FROM)


def is_troubled(text: str, said: str) -> bool:
    """Whether a remark speaks of people, or of oneself with a no, and has neither kind word nor question."""
    calm = families("calm.txt")
    if len(said.split()) < _REMARK or is_kind(text, said) or calm["asks"].either.search(said, 0, _OPENING):
        return False
    if calm["you"].stands_in(said) or calm["they"].stands_in(said):
        return True
    return calm["self"].stands_in(said) and calm["not"].stands_in(said)


def is_kind(text: str, said: str) -> bool:
    """Whether it has a kind or a softening word, a heart or laughter."""
    calm = families("calm.txt")
    return _KIND_SIGN.search(text) is not None or any(calm[name].stands_in(said) for name in ("kind", "mild"))


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
