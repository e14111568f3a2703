"""Comments told to whoever asked for it, as the faults ordered for them have it. Edits and deletions are not
told, as with Meta.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from socialsync.simulator.faults import Fault, Moment, comments
from socialsync.simulator.kinds import Kind
from socialsync.simulator.webhooks import Parcel, raw
from socialsync.simulator.webhooks.comments import comments_body
from socialsync.simulator.world import World
from socialsync.simulator.world.comments import Comment

BATCH = 100
"""Comments in one body. Meta, "Webhooks, Getting Started": up to 1000, and no promise."""


@dataclass(frozen=True, slots=True)
class _Made:
    """Satisfies `faults.Seen`."""

    account: str
    method: str = "POST"
    path: str = ""
    kind: Kind = Kind.INSTAGRAM_COMMENT
    token: None = None


@dataclass(slots=True)
class _Telling:
    """How a comment is told."""

    after_s: float
    copies: int = 1
    first: bool = False


def announce(made: Sequence[Comment], world: World) -> None:
    """Tell of new comments when their time has come, those of one account and one moment together."""
    if not world.webhooks.is_called_for:
        return
    waves: dict[tuple[str, float], list[Comment]] = defaultdict(list)
    for comment in made:
        telling = _telling(comment, world)
        wave = waves[comment.account, telling.after_s]
        copies = [comment] * telling.copies
        wave[:] = [*copies, *wave] if telling.first else [*wave, *copies]
    for (account, after_s), comments_ in waves.items():
        for start in range(0, len(comments_), BATCH):
            some = comments_[start : start + BATCH]
            body = comments_body(account, [_value(each, world) for each in some], at=some[-1].at)
            world.webhooks.hand_over_later(Parcel("instagram", raw(body), len(some)), after_s)


def _telling(comment: Comment, world: World) -> _Telling:
    telling = _Telling(max(0.0, (comment.at - world.now()).total_seconds()))
    for fault in world.faults.take(Moment.COMMENTS, _Made(comment.account)):
        _spoil(telling, fault)
    return telling


def _spoil(telling: _Telling, fault: Fault) -> None:
    match fault:
        case comments.DuplicateComments():
            telling.copies *= fault.copies
        case comments.ReorderComments():
            telling.first = True
        case comments.NoComments():
            telling.copies = 0
        case comments.DelayComments():
            telling.after_s += fault.seconds
        case _:
            raise TypeError(f"{fault.action} does nothing to comments")


def _value(comment: Comment, world: World) -> dict[str, Any]:
    product = world.instagram.media[comment.media_id].product
    value: dict[str, Any] = {
        "id": comment.id,
        "from": comment.author_shown,
        "media": {"id": comment.media_id, "media_product_type": product},
        "text": comment.text,
    }
    return value | ({"parent_id": comment.parent_id} if comment.parent_id else {})
