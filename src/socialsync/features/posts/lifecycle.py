r"""What may happen to a post in which state. Pure; the picture is docs/states.md.

draft -> queued -> publishing -> published | failed | unknown
  \________\___________\______-> cancelled         (publishing: only before this run's intent)
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from socialsync.errors import Conflict

Status = Literal["draft", "queued", "publishing", "published", "failed", "cancelled", "unknown"]
DeliveryStatus = Literal["queued", "sending", "sent", "delivered", "read", "played", "failed", "unknown"]
ARRIVED = ("sent", "delivered", "read", "played")
"""Statuses of a delivery that the platform has taken, in the order in which they come."""
ENDED = frozenset({"published", "failed", "unknown"})
"""Statuses of a post of whose messages some may have failed for good."""

WATCHED_FOR = timedelta(days=7)
"""How long a published post's comments are watched."""

_ENDED = {
    "published": "is published already",
    "cancelled": "was cancelled",
    "unknown": "may be published already",
}


_NOT_RETRIED = {
    "draft": ("has not been sent yet", "Publish it: POST .../publish."),
    "queued": ("waits to be sent", "Its `waiting` says for what; try again when it has ended."),
    "publishing": ("is being sent at this moment", "Try again when it has ended."),
    "cancelled": ("was cancelled", "Create a new post for those who did not get it."),
}
_FIND_OUT = (
    "Look at the account and say what you found: POST .../resolve. Until then a new post could be a second."
)


class PostSettled(Conflict):
    """The post is past the state in which this could be done."""


class EffectBegun(Conflict):
    """The post is on its way to the platform at this moment."""


class NotRetried(Conflict):
    """Nothing of it can be sent again, now or ever."""


@dataclass(frozen=True)
class Result:
    """What a broadcast came to."""

    status: Literal["published", "failed", "unknown"]
    error: str | None


def check_open(status: str, *, effect_begun: bool, doing: str) -> None:
    """Refuse to change a post that the world may have seen.

    Args:
        status: the post's.
        effect_begun: whether an intent of the running attempt is committed.
        doing: the verb for the message: ``edited``, ``cancelled``.

    Raises:
        PostSettled: it has ended.
        EffectBegun: it is on its way.
    """
    if status in _ENDED:
        raise PostSettled(
            f"The post {_ENDED[status]} and cannot be {doing}.",
            field="status",
            fix=_FIND_OUT if status == "unknown" else "Create a new post.",
        )
    if status == "publishing" and effect_begun:
        raise EffectBegun(
            f"The post is being published at this moment and cannot be {doing}.",
            field="status",
            fix="Look again in a minute: if this attempt fails it can be changed before the next one."
            " A broadcast stops when its channel is paused, and can be cancelled then.",
        )


def check_retried(status: str) -> None:
    """Refuse to send failed messages of a broadcast again that has not come to its end.

    Raises:
        NotRetried.
    """
    if status in _NOT_RETRIED:
        state, fix = _NOT_RETRIED[status]
        raise NotRetried(
            f"The post {state}; only of one that has ended is sent again what failed.",
            field="status",
            fix=fix,
        )


def check_changes(status: str, fields: Collection[str]) -> None:
    """Refuse to change the time of a post whose attempt is under way.

    Raises:
        EffectBegun.
    """
    late = [field for field in ("publish_at", "status", "recurrence", "timezone") if field in fields]
    if status == "publishing" and late:
        raise EffectBegun(
            "An attempt to publish the post is under way; its time and status can no longer change.",
            field=late[0],
            fix="Cancel it with DELETE and create a new post; of a series, change the next occurrence.",
        )


def result_of(counts: Mapping[str, int], reason: str | None) -> Result:
    """What a broadcast came to, from how many deliveries are in each status and one of their errors.

    It is published when anybody got it, unknown when nobody surely did but somebody may have, else failed.
    """
    total = sum(counts.values())
    arrived = sum(counts.get(status, 0) for status in ARRIVED)
    failed, unknown = counts.get("failed", 0), counts.get("unknown", 0)
    notes = [
        f"{count:,} of {total:,} {word}"
        for count, word in ((failed, "failed"), (unknown, "with unknown outcome"))
        if count
    ]
    said = "; ".join(notes) + (f": {reason}" if reason else "") if notes else None
    if arrived:
        return Result("published", said)
    if unknown:
        return Result("unknown", said)
    return Result("failed", (reason or said) if total == 1 else said)
