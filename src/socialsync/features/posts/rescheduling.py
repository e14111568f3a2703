"""Other times for many posts at once, all or none."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.errors import Conflict, Invalid, NotFound, SocialSyncError
from socialsync.features.posts import content, planned

TOLD = 100
"""Problems that one answer tells."""
OPEN = frozenset({"draft", "queued"})


class NotWaiting(Conflict):
    """The post is past the state in which its time could be changed."""


async def reschedule(
    session: AsyncSession,
    post_ids: Sequence[UUID],
    *,
    publish_at: datetime | None,
    shift: timedelta | None,
    now: datetime,
) -> Sequence[RowMapping]:
    """Give drafts and queued posts another time. Of a series this moves these occurrences and no others.

    Args:
        publish_at: the time of them all; or else
        shift: what is added to the time of each.

    Returns:
        ``id, status, publish_at`` of each, in their order.

    Raises:
        Invalid, NotFound, NotWaiting: names ``ids[17]``; nothing was changed.
    """
    content.check_time(publish_at, now=now)
    there = {row["id"]: row for row in await planned.lock_times(session, post_ids)}
    problems: list[SocialSyncError] = []
    seen: set[UUID] = set()
    for number, post_id in enumerate(post_ids):
        problem = _problem(f"ids[{number}]", there.get(post_id), shift=shift, again=post_id in seen, now=now)
        seen.add(post_id)
        if problem is not None:
            problems.append(problem)
            if len(problems) == TOLD:
                break
    if problems:
        first, *also = problems
        raise type(first)(first.message, field=first.field, fix=first.fix, also=also)
    moved = await planned.move_times(session, post_ids, publish_at=publish_at, shift=shift, now=now)
    by_id = {row["id"]: row for row in moved}
    return [by_id[post_id] for post_id in post_ids]


def _problem(
    field: str, post: RowMapping | None, *, shift: timedelta | None, again: bool, now: datetime
) -> SocialSyncError | None:
    if post is None:
        return NotFound("There is no such post in this workspace.", field=field, fix="Leave it out.")
    if again:
        return Invalid("This post is there twice.", field=field, fix="Leave it out.")
    if post["status"] not in OPEN:
        return NotWaiting(
            f"The post is {post['status']}; only drafts and queued posts have a time to change.",
            field=field,
            fix="Leave it out, or create a new post.",
        )
    if shift is not None and post["publish_at"] is None:
        return Invalid("The draft has no time that could be shifted.", field=field, fix="Give it publish_at.")
    if shift is not None and post["publish_at"] + shift > now + content.FURTHEST:
        return Invalid("This would be more than ten years ahead.", field=field, fix="Shift it by less.")
    return None
