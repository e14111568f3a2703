r"""What may happen to a post in which state. Pure; the picture is docs/states.md.

draft -> queued -> publishing -> published | failed | unknown
  \________\___________\______-> cancelled         (publishing: only before this run's intent)
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from socialsync.errors import Conflict

Status = Literal["draft", "queued", "publishing", "published", "failed", "cancelled", "unknown"]
DeliveryStatus = Literal["queued", "sending", "sent", "failed", "unknown"]

WATCHED_FOR = timedelta(days=7)
"""How long a published post's comments are watched."""

_ENDED = {
    "published": "is published already",
    "cancelled": "was cancelled",
    "unknown": "may be published; first find out whether it is",
}


class PostSettled(Conflict):
    """The post is past the state in which this could be done."""


class EffectBegun(Conflict):
    """The post is on its way to the platform at this moment."""


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
            f"The post {_ENDED[status]} and cannot be {doing}.", field="status", fix="Create a new post."
        )
    if status == "publishing" and effect_begun:
        raise EffectBegun(
            f"The post is being published at this moment and cannot be {doing}.",
            field="status",
            fix="Look again in a minute: if this attempt fails it can be changed before the next one.",
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


def result_of(deliveries: Iterable[tuple[DeliveryStatus, str | None]]) -> Result:
    """What a broadcast came to, from each recipient's status and error.

    It is published when anybody got it, unknown when nobody surely did but somebody may have, else failed.
    """
    seen = list(deliveries)
    of = {status: [error for s, error in seen if s == status] for status in ("sent", "failed", "unknown")}
    notes = [
        f"{len(errors)} of {len(seen)} {word}"
        for errors, word in ((of["failed"], "failed"), (of["unknown"], "with unknown outcome"))
        if errors
    ]
    reason = next((error for error in (*of["failed"], *of["unknown"]) if error), None)
    said = "; ".join(notes) + (f": {reason}" if reason else "") if notes else None
    if of["sent"]:
        return Result("published", said)
    if of["unknown"]:
        return Result("unknown", said)
    return Result("failed", (reason or said) if len(seen) == 1 else said)
