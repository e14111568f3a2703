"""How times, sizes and counts are said to people. Pure: given the time."""

import json
from datetime import datetime
from typing import Any

from socialsync.queue.shapes import COUNTED_TO

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_SHORT = 10
"""Below so many seconds, or units, a decimal or the next smaller unit tells something."""
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def span(seconds: float) -> str:
    """``0.3 s``, ``12 s``, ``3 min``, ``2 h 5 min``, ``4 d``: a second unit where it tells."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms" if seconds > 0 else "0 s"
    if seconds < _SHORT:
        return f"{int(seconds * 10) / 10:g} s"
    if seconds < _MINUTE:
        return f"{int(seconds)} s"
    for size, unit, smaller, lesser in ((_DAY, "d", _HOUR, "h"), (_HOUR, "h", _MINUTE, "min")):
        if seconds >= size:
            whole, rest = divmod(int(seconds), size)
            return f"{whole} {unit} {rest // smaller} {lesser}" if whole < _SHORT else f"{whole} {unit}"
    whole, rest = divmod(int(seconds), _MINUTE)
    return f"{whole} min {rest} s" if whole < _SHORT and rest else f"{whole} min"


def when(at: datetime, now: datetime) -> str:
    """``in 3 min`` or ``12 s ago``, in one unit."""
    away = (at - now).total_seconds()
    if abs(away) < 1:
        return "now"
    return f"in {_rough(away)}" if away > 0 else f"{_rough(-away)} ago"


def clock_time(at: datetime) -> str:
    """To the millisecond, in UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d}Z"


def size(count: int) -> str:
    """Bytes: ``84 MiB``."""
    value, unit = float(count), 0
    while value >= 1024 and unit < len(_UNITS) - 1:  # noqa: PLR2004 - the binary step
        value, unit = value / 1024, unit + 1
    return f"{value:.0f} {_UNITS[unit]}" if value >= _SHORT or not unit else f"{value:.1f} {_UNITS[unit]}"


def counted(number: int) -> str:
    """A count of jobs that ends at ``COUNTED_TO``."""
    return f"{number:,}{'+' if number >= COUNTED_TO else ''}"


def plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def compact(value: Any) -> str:
    """JSON on one line; nothing for what is empty."""
    return "" if value in (None, {}, []) else plain(json.dumps(value, ensure_ascii=False))


def plain(text: str) -> str:
    """A text of somebody's as a terminal may have it: no control character but line breaks and tabs."""
    return "".join(
        char if char.isprintable() or char in "\n\t" else char.encode("unicode_escape").decode()
        for char in text
    )


def _rough(seconds: float) -> str:
    """In one unit."""
    return " ".join(span(int(seconds)).split()[:2])
