"""Which children to start and which to let go: a rule of who is there and how many are wanted.

A stale child is replaced without a pause: it goes once its successor serves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

FEW = 4
"""That many may leave at any time: who saves a file often while a long job runs need not wait for it."""


class Phase(StrEnum):
    """Of a child's life: it starts, serves, and leaves when it was told to or decided so itself."""

    STARTING = "starting"
    SERVING = "serving"
    LEAVING = "leaving"


@dataclass(frozen=True)
class Seen:
    """A child.

    Args:
        number: its own.
        stale: it is to be replaced.
        running: jobs that it runs.
    """

    number: int
    phase: Phase
    stale: bool = False
    running: int = 0


@dataclass(frozen=True)
class Plan:
    """What to do now: how many to start, and the numbers of those to let go."""

    start: int = 0
    retire: tuple[int, ...] = ()


def plan(children: Sequence[Seen], wanted: int) -> Plan:
    """Towards ``wanted`` children that are not stale.

    Of stale ones a quarter is replaced at a time, and none while so many are still leaving that there are
    about twice as many as are wanted.
    """
    starting = [child for child in children if child.phase is Phase.STARTING and not child.stale]
    fresh = [child for child in children if child.phase is Phase.SERVING and not child.stale]
    stale = [child for child in children if child.phase is Phase.SERVING and child.stale]
    leaving = sum(child.phase is Phase.LEAVING for child in children)
    serving = len(fresh) + len(stale)

    missing = max(0, wanted - serving)
    successors = min(len(stale), max(1, wanted // 4))
    useful = min(missing + successors, max(0, wanted - len(fresh)))
    allowed = useful if leaving < max(FEW, wanted) else min(missing, useful)

    retire = [child.number for child in children if child.phase is Phase.STARTING and child.stale]
    retire += [child.number for child in _last(starting, len(starting) - useful)]
    surplus = serving - wanted
    retire += [child.number for child in _idlest(stale, surplus)]
    retire += [child.number for child in _idlest(fresh, surplus - len(stale))]
    return Plan(max(0, allowed - len(starting)), tuple(retire))


def lowest_free(taken: set[int]) -> int:
    """The smallest number from 1 that nobody has."""
    return next(number for number in range(1, len(taken) + 2) if number not in taken)


def _last(children: Sequence[Seen], count: int) -> Sequence[Seen]:
    return sorted(children, key=lambda child: -child.number)[: max(0, count)]


def _idlest(children: Sequence[Seen], count: int) -> Sequence[Seen]:
    return sorted(children, key=lambda child: (child.running, -child.number))[: max(0, count)]
