"""Our own replies as the platform tells of them: one whose answer was lost is found by its words."""

import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.platforms.comments import Comment
from socialsync.queue import deferring

SLACK = timedelta(minutes=2)
"""By which the platform's clock may be behind ours."""
_IN_DOUBT = text("""
select reply.id, reply.comment_id, reply.under_id, reply.text, reply.effect_at, reply.settle_job_id
from comments comment join comment_replies reply
    on reply.workspace_id = comment.workspace_id and reply.comment_id = comment.id
where reply.workspace_id = :workspace_id and reply.kind = 'public' and reply.status in ('sending', 'unknown')
    and reply.under_id = any (:under)
order by comment.id for update of comment, reply
""")
_CLAIMED = text("""
select platform_reply_id from comment_replies
where workspace_id = :workspace_id and under_id = any (:under) and platform_reply_id = any (:ids)
""")
_FOUND = text("""
update comment_replies set status = 'sent', platform_reply_id = :platform_reply_id, sent_at = :at,
    error = null, updated_at = :now
where workspace_id = :workspace_id and id = :id
""")
_DONE = text("""
update comments set work = null, error = null, updated_at = :now
where workspace_id = :workspace_id and id = :comment_id and work = 'send' and not exists (
    select from comment_replies
    where workspace_id = :workspace_id and comment_id = :comment_id and status in ('queued', 'sending'))
""")


def is_ours(said: str, reply: str) -> bool:
    """Whether a comment of ours is this reply: platforms trim, and turn names into mentions."""
    one, other = (" ".join(unicodedata.normalize("NFC", each).split()) for each in (said, reply))
    return one == other


def _fits(comment: Comment, parent: str | None, reply: RowMapping) -> bool:
    return (
        reply["under_id"] == parent
        and is_ours(comment.text, reply["text"])
        and comment.at >= reply["effect_at"] - SLACK
    )


async def recognise(
    session: AsyncSession,
    workspace_id: UUID,
    own: Sequence[tuple[Comment, str | None]],
    *,
    now: datetime,
) -> None:
    """Replies in doubt that stand there."""
    under = sorted({parent for _, parent in own if parent is not None})
    if not under:
        return
    values: dict[str, Any] = {"workspace_id": workspace_id, "under": under}
    doubtful = list((await session.execute(_IN_DOUBT, values)).mappings())
    if not doubtful:
        return
    ids = [comment.id for comment, _ in own]
    claimed = set(await session.scalars(_CLAIMED, {**values, "ids": ids}))
    for comment, parent in own:
        match = next((each for each in doubtful if _fits(comment, parent, each)), None)
        if match is None or comment.id in claimed:
            continue
        doubtful.remove(match)
        given = {"workspace_id": workspace_id, "now": now}
        await session.execute(
            _FOUND, {**given, "id": match["id"], "platform_reply_id": comment.id, "at": comment.at}
        )
        await session.execute(_DONE, {**given, "comment_id": match["comment_id"]})
        if match["settle_job_id"] is not None:
            await deferring.cancel_waiting(session, match["settle_job_id"])
