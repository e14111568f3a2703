"""A comment as a job takes it up: with its post, its thread and in whose name it is answered."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.features.channels import service as channels
from socialsync.features.comments import queries
from socialsync.features.comments.models import Comment
from socialsync.features.posts import service as posts
from socialsync.platforms import Sender
from socialsync.queue.jobs import Job, still_mine
from socialsync.resources import Resources

THREAD = 20
"""Comments of the thread that are shown to the model, the newest."""
EXAMPLES = 12
"""Of what people decided here, the newest."""
GONE = "The channel was deleted."
_PICTURES = {"image", "carousel", "story"}


@dataclass(frozen=True)
class Case:
    """``thread``: the comment above and its replies, oldest first, this one among them. ``to_others``: the
    platform's ids of replies in it that we gave to other comments.
    """

    opened: Resources
    job: Job
    comment: Comment
    channel: channels.Channel
    manner: channels.Manner
    sender: Sender
    caption: str | None
    images: Sequence[str]
    thread: Sequence[Comment]
    to_others: Collection[str]
    examples: Sequence[tuple[str, str]]

    @property
    def workspace_id(self) -> UUID:
        return self.comment.workspace_id

    @property
    def is_answered(self) -> bool:
        """Whether the business has replied to it already, or since."""
        under = self.comment.parent_id or self.comment.platform_comment_id
        return any(
            each.own
            and each.parent_id == under
            and each.said_at >= self.comment.said_at
            and each.platform_comment_id not in self.to_others
            for each in self.thread
        )

    @property
    def is_between_others(self) -> bool:
        """Whether it is a reply in a thread in which the business has no part."""
        return self.comment.parent_id is not None and not any(each.own for each in self.thread)


async def begin(
    opened: Resources, job: Job, workspace_id: UUID, comment_id: UUID, *, now: datetime
) -> Case | str:
    """What there is to do; or, in words, why nothing is.

    Raises:
        JobLost.
    """
    async with opened.database.transaction(workspace_id) as session:
        await still_mine(session, job)
        comment = await queries.find_comment(session, comment_id, lock=True)
        if comment is None or comment.work is None:
            return "nothing to do"
        channel, manner = await channels.get_channel_row_with_manner(session, comment.channel_id)
        if channel.status == "deleted":
            await queries.set_comment(session, comment_id, {"work": None, "error": GONE, "updated_at": now})
            return "the channel was deleted"
        if not channels.is_open(channel):
            why = channels.why_closed(channel)
            await queries.set_comment(session, comment_id, {"job_id": None, "error": why, "updated_at": now})
            return f"waits: {why}"
        return await _load(session, opened, job, comment, channel, manner=manner)


async def _load(
    session: AsyncSession,
    opened: Resources,
    job: Job,
    comment: Comment,
    channel: channels.Channel,
    *,
    manner: channels.Manner,
) -> Case:
    post = await posts.get_post(session, comment.post_id) if comment.post_id else None
    shows_pictures = post is not None and post.media_type in _PICTURES
    case = Case(
        opened=opened,
        job=job,
        comment=comment,
        channel=channel,
        manner=manner,
        sender=channels.sender_of(channel, opened.cipher),
        caption=post.text if post else None,
        images=post.media_urls[:1] if post is not None and shows_pictures else (),
        thread=await queries.list_thread(session, comment, THREAD),
        to_others=await queries.list_sent_to_others(session, comment),
        examples=await queries.list_examples(session, comment.workspace_id, EXAMPLES),
    )
    session.expunge_all()
    return case
