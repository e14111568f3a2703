"""Reading WhatsApp's webhooks, in words that belong to no platform. Pure; nothing that comes raises.

Meta, WhatsApp Cloud API, "Webhooks": every entry, change and status of a body counts. Times are seconds since
1970 in a text. A failed status may lack its contact, and any status its recipient.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, cast
from uuid import UUID

from socialsync.platforms import faults
from socialsync.platforms.contract import Reach
from socialsync.platforms.errors import PlatformError

Status = Literal["sent", "delivered", "read", "played", "failed"]

_STATUSES = frozenset({"sent", "delivered", "read", "played", "failed"})
_LATEST = 32_503_680_000
"""Seconds: the year 3000."""


@dataclass(frozen=True)
class StatusUpdate:
    """What became of a message.

    Args:
        message_id: what WhatsApp calls it.
        tracker: our own id of it, if it was given one and it is one of ours by its form.
        recipient: phone number or business-scoped id, where it is told.
        error: why it failed.
    """

    message_id: str
    status: Status
    tracker: str | None
    recipient: str | None
    at: datetime
    error: PlatformError | None


def values_of(body: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The phone number id and the value of each change about messages, of all entries."""
    for entry in _listed(body, "entry"):
        for change in _listed(entry, "changes"):
            value = change.get("value")
            metadata = value.get("metadata") if isinstance(value, dict) else None
            number = metadata.get("phone_number_id") if isinstance(metadata, dict) else None
            if (
                isinstance(value, dict)
                and isinstance(number, str | int)
                and change.get("field") == "messages"
            ):
                yield str(number), value


def read_statuses(value: Mapping[str, Any], now: datetime) -> tuple[list[StatusUpdate], int]:
    """The statuses of one value, and how many there are that say nothing to us."""
    told = _listed(value, "statuses")
    found = [update for status in told if (update := _status(status, now)) is not None]
    return found, len(told) - len(found)


def _status(status: Mapping[str, Any], now: datetime) -> StatusUpdate | None:
    message_id, word = status.get("id"), status.get("status")
    if not isinstance(message_id, str) or not message_id or word not in _STATUSES:
        return None
    errors = _listed(status, "errors")
    error = faults.from_graph(errors[0], Reach.HARMLESS) if errors and word == "failed" else None
    return StatusUpdate(
        message_id=_storable(message_id),
        status=cast("Status", word),
        tracker=_tracker(status.get("biz_opaque_callback_data")),
        recipient=_text(status.get("recipient_id")) or _text(status.get("recipient_user_id")),
        at=_moment(status.get("timestamp"), now),
        error=error,
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


def _listed(node: Any, name: str) -> list[dict[str, Any]]:
    found = node.get(name) if isinstance(node, Mapping) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _text(value: Any) -> str | None:
    return _storable(value) if isinstance(value, str) and value else None


def _storable(text: str) -> str:
    """What Postgres can store of it."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()[:300]
