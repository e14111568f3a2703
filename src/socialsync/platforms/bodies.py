"""Walking through bodies whose shape nobody promised: nothing raises, nothing is passed over in silence."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

LONGEST_TEXT = 20_000
"""Characters that are kept of what somebody wrote; no platform takes as many."""
_LATEST = 32_503_680_000
"""Seconds: the year 3000."""
_LONGEST = 300
_LONGEST_NAME = 60
_LONGEST_URL = 4_000
_MOST_NAMES = 20
_DEEPEST = 8
_MOST_ITEMS = 100


class Notes:
    """What was not read, each kind counted; of too many kinds, the rest together."""

    def __init__(self) -> None:
        self.unread: Counter[str] = Counter()
        self._problems: Counter[str] = Counter()

    def has_no_reader(self, name: str) -> None:
        _count(self.unread, name)

    def is_odd(self, what: str) -> None:
        _count(self._problems, what)

    @property
    def problems(self) -> list[str]:
        return [what if count == 1 else f"{what} ({count} times)" for what, count in self._problems.items()]


def listed(node: Any, name: str, notes: Notes) -> Iterator[Mapping[str, Any]]:
    """The objects of the list of this name; what else stands there is noted."""
    found = node.get(name) if isinstance(node, Mapping) else None
    if found is not None and not isinstance(found, list):
        notes.is_odd(f"{name} is no list")
    for each in items(found):
        if isinstance(each, Mapping):
            yield each
        else:
            notes.is_odd(f"In {name} is something that is no object")


def items(found: Any) -> list[Any]:
    return found if isinstance(found, list) else []


def inner(node: Any, name: str) -> Mapping[str, Any]:
    """The object of this name; an empty one where there is none."""
    found = node.get(name) if isinstance(node, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def text_of(value: Any, longest: int = _LONGEST) -> str | None:
    """What Postgres can store of it."""
    if not isinstance(value, str):
        return None
    return value.replace("\x00", "").encode("utf-8", "replace").decode()[:longest] or None


def said(value: Any) -> str | None:
    """What somebody wrote."""
    return text_of(value, LONGEST_TEXT)


def url_of(value: Any) -> str | None:
    """A web address of usual length; a cut one leads nowhere."""
    found = text_of(value, _LONGEST_URL + 1)
    fits = found is not None and len(found) <= _LONGEST_URL and found.startswith(("https://", "http://"))
    return found if fits else None


def id_of(value: Any) -> str | None:
    """An id, which some write as a number."""
    return text_of(str(value) if isinstance(value, int) and not isinstance(value, bool) else value)


def name_of(value: Any) -> str:
    """For a person."""
    shown = text_of(value) or "without a name"
    return "".join(filter(str.isprintable, shown))[:_LONGEST_NAME] or "without a name"


def moment(value: Any, now: datetime, *, per_second: int = 1) -> datetime:
    """Never later than now: clocks differ.

    Args:
        per_second: 1000 where times are in milliseconds.
    """
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(_LATEST * per_second)):
        return now
    if int(text) > _LATEST * per_second:
        return now
    seconds, rest = divmod(int(text), per_second)
    return min(datetime.fromtimestamp(seconds, UTC) + timedelta(seconds=rest / per_second), now)


def kept(value: Any, depth: int = 0) -> Any:  # noqa: PLR0911 - one for each type
    """What of this JSON is worth keeping and can be stored; very long or deep parts are left out."""
    if isinstance(value, str):
        return text_of(value, LONGEST_TEXT)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**63 else str(value)[:_LONGEST]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth == _DEEPEST:
        return None
    if isinstance(value, Mapping):
        some = list(value.items())[:_MOST_ITEMS]
        return {text_of(str(key)) or "": kept(each, depth + 1) for key, each in some}
    return [kept(each, depth + 1) for each in items(value)[:_MOST_ITEMS]]


def _count(counter: Counter[str], name: str) -> None:
    counter[name if name in counter or len(counter) < _MOST_NAMES else "and others"] += 1
