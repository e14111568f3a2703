"""How many processes: up at once when jobs wait and everybody is busy, down slowly when few would do."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

WAITING = 1.0
"""Age in seconds of the oldest job that could run, from which there are too few processes ..."""
BUSY = 0.8
"""... if each of them is as busy as this. What waits for a lock or a limit needs no more processes."""
SPARE = 0.5
"""How busy those that stay may be after one has gone: well below ``BUSY``, so that none is missed then."""
CALM_FOR = 30.0
"""Seconds for which that must have been so without a break."""


@dataclass(frozen=True)
class Bounds:
    """The fewest and the most processes."""

    least: int
    most: int

    def fewer(self) -> "Bounds":
        """One process less, for good."""
        return Bounds(min(self.least, self.most - 1), self.most - 1)


@dataclass(frozen=True)
class Scale:
    """What was decided last.

    Args:
        wanted: how many processes.
        calm_since: since when one less would do (monotonic seconds); None when it would not.
    """

    wanted: int
    calm_since: float | None = None


def decide(
    scale: Scale,
    bounds: Bounds,
    *,
    oldest: float | None,
    busy: Sequence[float],
    at: float,
    calm_for: float = CALM_FOR,
) -> Scale:
    """How many processes from now on.

    Args:
        scale: what was decided last.
        bounds: between which the answer lies.
        oldest: seconds that the oldest waiting job could have run by now; None when none waits.
        busy: of each serving process, from 0 to 1. Fewer than are wanted: some still start, so wait.
        at: now, in monotonic seconds.
        calm_for: see ``CALM_FOR``.
    """
    held = min(bounds.most, max(bounds.least, scale.wanted))
    if held != scale.wanted:
        return Scale(held)
    if len(busy) >= held and oldest is not None and oldest >= WAITING and min(busy) >= BUSY:
        return Scale(min(bounds.most, 2 * held))
    if held == bounds.least or len(busy) < held or sum(busy) > SPARE * (held - 1):
        return replace(scale, calm_since=None)
    calm_since = at if scale.calm_since is None else scale.calm_since
    return Scale(held - 1, calm_since=at) if at - calm_since >= calm_for else Scale(held, calm_since)
