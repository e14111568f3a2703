"""A series of posts: each occurrence is a post of its own, and the next is born when one leaves the queue.

However an occurrence ends, and whenever it was published, the next one is the first of the rule that is still
to come: after a long outage one is published, not all that were missed. Nobody gives birth twice: an
occurrence that has a later one bears none, and no two have the same place in a series.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import telemetry
from socialsync.errors import Invalid
from socialsync.features.posts import planned, recurrence
from socialsync.features.posts.models import Post

log = telemetry.get_logger(__name__)


async def bear_next(
    session: AsyncSession, post_ids: Sequence[UUID], *, now: datetime, status: str = "queued"
) -> int:
    """The next occurrences after these posts; how many were born. Posts that don't recur have none."""
    born = []
    for place in await planned.list_places(session, post_ids):
        try:
            slot_at = recurrence.next_after(
                place["recurrence"],
                place["timezone"],
                place["series_starts_at"],
                max(place["slot_at"], now),
            )
        except Invalid as error:  # written by hand: no reason for all others to wait
            log.warning("[SERIES] Cannot be followed", post_id=str(place["id"]), reason=str(error))
            continue
        if slot_at is not None:
            born.append((place["id"], slot_at))
    return await planned.add_next(session, born, status=status) if born else 0


async def end_after(session: AsyncSession, post: Post, *, now: datetime) -> None:
    """Nothing comes after this occurrence: those that wait already are cancelled."""
    if post.series_id is not None and post.slot_at is not None:
        await planned.cancel_later(session, post.series_id, post.slot_at, now)
