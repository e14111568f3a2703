"""How much of Meta's rate limits is used, and how long to wait, read from the headers of an answer.

Meta, Graph API, "Rate Limits". Headers are hints: what can't be read is left out, never an error.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

LONGEST_WAIT = timedelta(days=1)
"""No limit of Meta's has a longer window; a header that asks for more is not believed."""

SHORTEST_WAIT = timedelta(seconds=1)
REGAIN_STEP = timedelta(minutes=1)
"""In which Meta counts the time to regain access, rounded up."""

FULL, TIGHT = 100.0, 90.0
"""Percent: no call gets through, and calls are spaced out so that it does not come to that."""
FULL_WAIT = timedelta(minutes=5)
TIGHT_WAIT = timedelta(minutes=1)

_SENSIBLE = 1e6
_SHARES = ("call_count", "total_time", "total_cputime")
_REGAIN_MINUTES = "estimated_time_to_regain_access"


@dataclass(frozen=True)
class Usage:
    """The fullest limit that an answer mentions.

    Args:
        percent: share used, 100 and above being throttled; 0 when nothing was said.
        regain: how long until calls are accepted again; None when they are, or nothing was said.
    """

    percent: float = 0.0
    regain: timedelta | None = None


def read_usage(headers: Mapping[str, str]) -> Usage:
    """``X-App-Usage`` and ``X-Business-Use-Case-Usage``, the latter for every business it lists."""
    lower = {name.lower(): value for name, value in headers.items()}
    limits = [*_objects(lower.get("x-app-usage")), *_objects(lower.get("x-business-use-case-usage"))]
    percent = max((_number(limit.get(share)) for limit in limits for share in _SHARES), default=0.0)
    minutes = max((_number(limit.get(_REGAIN_MINUTES)) for limit in limits), default=0.0)
    return Usage(percent, _bounded(minutes * 60))


def wait_for(used: Usage, asked: timedelta | None = None) -> timedelta | None:
    """How long an account should be left alone that has used so much; calling while throttled prolongs it.

    Args:
        asked: what the same answer asks for (``read_wait``).
    """
    if used.regain or used.percent >= FULL:
        return asked or used.regain or FULL_WAIT
    if used.percent >= TIGHT:
        return TIGHT_WAIT * ((used.percent - TIGHT + 1) / (FULL - TIGHT + 1))
    return None


def read_wait(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """How long the answer asks to wait: the longer of ``Retry-After`` (seconds or a date) and the time to
    regain access, which is told in whole minutes: ``Retry-After`` tells the seconds of the last one. None
    when it asks for nothing.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    told, regain = _retry_after(lower.get("retry-after", "").strip(), now), read_usage(headers).regain
    if told and regain and regain - told < REGAIN_STEP:
        return told
    return max((wait for wait in (told, regain) if wait), default=None)


def _retry_after(value: str, now: datetime) -> timedelta | None:
    if value.isascii() and value.isdigit():
        return _bounded(float(value))
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    wait = _bounded(((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds())
    return max(wait, SHORTEST_WAIT) if wait else None


def _objects(header: str | None) -> Iterator[dict[str, Any]]:
    """The header's JSON objects, however deep: the app's header is one, the business header has lists."""
    try:
        pending = [json.loads(header or "null")]
    except (ValueError, RecursionError):
        return
    while pending:
        match pending.pop():
            case dict() as found:
                yield found
                pending.extend(found.values())
            case list() as found:
                pending.extend(found)


def _number(value: object) -> float:
    """A sensible number, or 0: JSON from outside may hold text, infinities and thousand-digit integers."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return float(value) if 0 <= value <= _SENSIBLE else 0.0


def _bounded(seconds: float) -> timedelta | None:
    return timedelta(seconds=min(seconds, LONGEST_WAIT.total_seconds())) if seconds > 0 else None
