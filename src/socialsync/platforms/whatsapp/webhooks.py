"""Reading WhatsApp's webhooks. Pure; whatever comes, nothing raises and nothing is passed over in silence.

Meta, WhatsApp Cloud API, "Webhooks": every entry, change, message and status of a body counts. Times are
seconds since 1970 in a text. A failed status may lack its contact, and any status its recipient.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

from socialsync.platforms import bodies, faults
from socialsync.platforms.bodies import Notes
from socialsync.platforms.contract import Reach
from socialsync.platforms.news import Moved, News, Status, StatusUpdate, Told
from socialsync.platforms.whatsapp import messages

__all__ = ["StatusUpdate", "read"]

_STATUSES: Mapping[Any, Status] = {word: word for word in get_args(Status)}
_ECHOES = "message_echoes"
_MOVES = "user_id_update"


def read(body: Any, *, now: datetime) -> News:
    """What a body tells.

    Args:
        body: parsed, of whatever shape.
        now: when it came; nothing in it happened later.
    """
    notes = Notes()
    statuses: list[tuple[str, StatusUpdate]] = []
    told: list[tuple[str, Told]] = []
    for change in _changes(body, notes):
        for account, found in _read_change(change, notes, now):
            if isinstance(found, StatusUpdate):
                statuses.append((account, found))
            else:
                told.append((account, found))
    return News(statuses, dict(notes.unread), notes.problems, told)


def _changes(body: Any, notes: Notes) -> Iterator[Mapping[str, Any]]:
    if not isinstance(body, Mapping) or "entry" not in body:
        notes.is_odd("There is no entry")
    for entry in bodies.listed(body, "entry", notes):
        if "changes" not in entry:
            notes.is_odd("An entry has no changes")
        yield from bodies.listed(entry, "changes", notes)


def _read_change(
    change: Mapping[str, Any], notes: Notes, now: datetime
) -> Iterator[tuple[str, StatusUpdate | Told]]:
    value, field = change.get("value"), bodies.name_of(change.get("field"))
    if not isinstance(value, Mapping):
        notes.is_odd(f"A change of {field} has no value")
        return
    account = bodies.id_of(bodies.inner(value, "metadata").get("phone_number_id"))
    for what, found in _parts(value, notes, now):
        if account is not None:
            yield account, found
        else:
            notes.is_odd(f"{what} is of no account")
    if not value.keys() & {"statuses", "messages", _ECHOES, _MOVES}:
        notes.has_no_reader(field)


def _parts(
    value: Mapping[str, Any], notes: Notes, now: datetime
) -> Iterator[tuple[str, StatusUpdate | Told]]:
    for status in bodies.listed(value, "statuses", notes):
        update = _status(status, notes, now)
        if update is not None:
            yield "A status", update
    contacts = messages.contacts_of(value, notes)
    for message in bodies.listed(value, "messages", notes):
        for found in messages.read(message, contacts, notes, now):
            yield "A message", found
    for echo in bodies.listed(value, _ECHOES, notes):
        for found in messages.read(echo, contacts, notes, now, echo=True):
            yield "An echo", found
    for move in bodies.listed(value, _MOVES, notes):
        moved = _move(move, now)
        if moved is None:
            notes.is_odd("A change of a user id does not tell both")
        else:
            yield "A change of a user id", moved


def _move(move: Mapping[str, Any], now: datetime) -> Moved | None:
    """Meta, "Business-scoped user IDs"."""
    ids = bodies.inner(move, "user_id")
    before, after = bodies.id_of(ids.get("previous")), bodies.id_of(ids.get("current"))
    phone = messages.phone_of(move.get("wa_id"))
    if after is None or (before is None and phone is None):
        return None
    at = bodies.moment(move.get("timestamp"), now)
    return Moved(messages.Person(before, phone), messages.Person(after, phone), at)


def _status(status: Mapping[str, Any], notes: Notes, now: datetime) -> StatusUpdate | None:
    message_id, word = bodies.text_of(status.get("id")), status.get("status")
    known = _STATUSES.get(word) if isinstance(word, str) else None
    if message_id is None:
        notes.is_odd("A status is of no message")
        return None
    if known is None:
        notes.is_odd(f"A status is {bodies.name_of(word)}, which is not known")
        return None
    told = [each for each in bodies.items(status.get("errors")) if isinstance(each, Mapping)]
    return StatusUpdate(
        message_id=message_id,
        status=known,
        tracker=_tracker(status.get("biz_opaque_callback_data")),
        recipient=bodies.text_of(status.get("recipient_id"))
        or bodies.text_of(status.get("recipient_user_id")),
        at=bodies.moment(status.get("timestamp"), now),
        error=faults.from_graph(told[0] if told else {}, Reach.HARMLESS) if known == "failed" else None,
    )


def _tracker(value: Any) -> str | None:
    try:
        return str(UUID(value)) if isinstance(value, str) else None
    except ValueError:
        return None
