"""A channel goes, and with it what waits to be published by it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.errors import Conflict
from socialsync.features.channels import service as channels
from socialsync.features.posts import planned


class ChannelHasPosts(Conflict):
    """Posts wait to be published by this channel."""


async def delete_channel(
    session: AsyncSession, channel_id: UUID, *, cancel_posts: bool, actor: str, now: datetime
) -> int:
    """Delete a channel whose queued posts, if there are any, are cancelled; of a series nothing comes after
    them. Drafts stay: they can be given another channel. What is being published stops by itself.

    Args:
        cancel_posts: whether that is wanted.

    Returns:
        how many were cancelled.

    Raises:
        NotFound.
        ChannelHasPosts: it is not; nothing was changed.
    """
    channel = await channels.get_channel(session, channel_id)
    number = len(await planned.cancel_queued(session, channel_id, now))  # before the channel: so PATCH locks
    if number and not cancel_posts:
        posts = "1 post waits" if number == 1 else f"{number:,} posts wait"
        raise ChannelHasPosts(
            f"{posts} to be published by this channel and would be cancelled.",
            field="cancel_posts",
            fix="DELETE with ?cancel_posts=true cancels them; PATCH of their channel_id moves them;"
            " PUT .../pause has them wait.",
        )
    if number:
        await channels.note(session, channel, "posts_cancelled", actor, {"count": number})
    await channels.delete(session, channel_id, actor=actor, now=now)
    return number
