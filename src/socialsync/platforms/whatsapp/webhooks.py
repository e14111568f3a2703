"""Reading WhatsApp's webhooks. Pure; whatever comes, nothing raises and nothing is passed over in silence.

Meta, WhatsApp Cloud API, "Webhooks": every entry, change and status of a body counts. Times are seconds since
1970 in a text. A failed status may lack its contact, and any status its recipient.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, get_args
from uuid import UUID

from socialsync.platforms import faults
from socialsync.platforms.contract import Reach
from socialsync.platforms.news import News, Status, StatusUpdate

__all__ = ["StatusUpdate", "read"]

_STATUSES: Mapping[Any, Status] = {word: word for word in get_args(Status)}
_LATEST = 32_503_680_000
"""Seconds: the year 3000."""
_LONGEST = 300
_LONGEST_NAME = 60
_MOST_NAMES = 20


class _Notes:
    """What was not read, each kind counted; of too many kinds, the rest together."""

    def __init__(self) -> None:
        self.unread: Counter[str] = Counter()
        self.problems: Counter[str] = Counter()

    def has_no_reader(self, name: str) -> None:
        _count(self.unread, name)

    def is_odd(self, what: str) -> None:
        _count(self.problems, what)


def read(body: Any, *, now: datetime) -> News:
    """What a body tells.

    Args:
        body: parsed, of whatever shape.
        now: when it came; nothing in it happened later.
    """
    notes = _Notes()
    statuses = [found for change in _changes(body, notes) for found in _read_change(change, notes, now)]
    problems = [what if count == 1 else f"{what} ({count} times)" for what, count in notes.problems.items()]
    return News(statuses, dict(notes.unread), problems)


def _changes(body: Any, notes: _Notes) -> Iterator[Mapping[str, Any]]:
    if not isinstance(body, Mapping) or "entry" not in body:
        notes.is_odd("There is no entry")
    for entry in _listed(body, "entry", notes):
        if "changes" not in entry:
            notes.is_odd("An entry has no changes")
        yield from _listed(entry, "changes", notes)


def _read_change(
    change: Mapping[str, Any], notes: _Notes, now: datetime
) -> Iterator[tuple[str, StatusUpdate]]:
    value, field = change.get("value"), _name(change.get("field"))
    if not isinstance(value, Mapping):
        notes.is_odd(f"A change of {field} has no value")
        return
    account = _account(value)
    for status in _listed(value, "statuses", notes):
        update = _status(status, notes, now)
        if update is not None and account is not None:
            yield account, update
        elif update is not None:
            notes.is_odd("A status is of no account")
    for message in _listed(value, "messages", notes):
        notes.has_no_reader(f"message {_name(message.get('type'))}")
    if not value.keys() & {"statuses", "messages"}:
        notes.has_no_reader(field)


def _account(value: Mapping[str, Any]) -> str | None:
    metadata = value.get("metadata")
    number = metadata.get("phone_number_id") if isinstance(metadata, Mapping) else None
    return _text(str(number) if isinstance(number, int) else number)


def _status(status: Mapping[str, Any], notes: _Notes, now: datetime) -> StatusUpdate | None:
    message_id, word = _text(status.get("id")), status.get("status")
    known = _STATUSES.get(word) if isinstance(word, str) else None
    if message_id is None:
        notes.is_odd("A status is of no message")
        return None
    if known is None:
        notes.is_odd(f"A status is {_name(word)}, which is not known")
        return None
    told = [each for each in _items(status.get("errors")) if isinstance(each, Mapping)]
    return StatusUpdate(
        message_id=message_id,
        status=known,
        tracker=_tracker(status.get("biz_opaque_callback_data")),
        recipient=_text(status.get("recipient_id")) or _text(status.get("recipient_user_id")),
        at=_moment(status.get("timestamp"), now),
        error=faults.from_graph(told[0] if told else {}, Reach.HARMLESS) if known == "failed" else None,
    )


def _tracker(value: Any) -> str | None:
    try:
        return str(UUID(value)) if isinstance(value, str) else None
    except ValueError:
        return None


def _moment(value: Any, now: datetime) -> datetime:
    """Never later than now: clocks differ."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(_LATEST)) or int(text) > _LATEST:
        return now
    return min(datetime.fromtimestamp(int(text), UTC), now)


def _listed(node: Any, name: str, notes: _Notes) -> Iterator[Mapping[str, Any]]:
    """The objects of the list of this name; what else stands there is noted."""
    found = node.get(name) if isinstance(node, Mapping) else None
    if found is not None and not isinstance(found, list):
        notes.is_odd(f"{name} is no list")
    for each in _items(found):
        if isinstance(each, Mapping):
            yield each
        else:
            notes.is_odd(f"In {name} is something that is no object")


def _items(found: Any) -> list[Any]:
    return found if isinstance(found, list) else []


def _count(counter: Counter[str], name: str) -> None:
    counter[name if name in counter or len(counter) < _MOST_NAMES else "and others"] += 1


def _name(value: Any) -> str:
    """For a person."""
    shown = _text(value) or "without a name"
    return "".join(filter(str.isprintable, shown))[:_LONGEST_NAME]


def _text(value: Any) -> str | None:
    """What Postgres can store of it."""
    if not isinstance(value, str):
        return None
    return value.replace("\x00", "").encode("utf-8", "replace").decode()[:_LONGEST] or None
