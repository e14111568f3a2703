"""Small statistics and how they are written."""

import statistics
from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"
_FEW = 100
"""Below this, a figure keeps a decimal or two."""


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """By nearest rank: a value that was measured, never one in between."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1))]


def sparkline(values: Sequence[float], *, top: float | None = None) -> str:
    """A line of bars from zero up to ``top``, by default the largest value."""
    highest = top or max(values, default=0) or 1
    last = len(_BARS) - 1
    return "".join(_BARS[min(last, max(0, round(value / highest * last)))] for value in values)


def number(value: float) -> str:
    if abs(value) >= _FEW:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 1 else f"{value:.2g}"


def millis(seconds: float) -> str:
    return f"{number(seconds * 1000)} ms"


def times(ratio: float) -> str:
    return f"{number(ratio)}x"


def percent(share: float) -> str:
    return f"{share:.1%}" if share not in {0, 1} else f"{share:.0%}"


def size(octets: float) -> str:
    return f"{octets / 1_000_000:,.1f} MB"


def spread(values: Sequence[float]) -> str:
    """From the worst round to the best."""
    return f"{number(min(values))} - {number(max(values))}"
