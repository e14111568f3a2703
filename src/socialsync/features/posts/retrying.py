"""The failed messages of a broadcast, sent again. Whatever may have arrived is left alone."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.errors import Invalid, SocialSyncError
from socialsync.features.channels import service as channels
from socialsync.features.posts import deliveries, lifecycle, service
from socialsync.features.posts.lifecycle import NotRetried
from socialsync.features.posts.models import Post

TOLD = 100
"""Problems that one answer tells."""


async def retry_failed(
    session: AsyncSession, post_id: UUID, recipients: Sequence[str] | None, *, now: datetime
) -> tuple[Post, int]:
    """Send a broadcast again to whom it failed, in an attempt of its own.

    Args:
        recipients: to these only; None is everybody to whom it failed and who did not opt out.

    Returns:
        the post, and how many messages are sent again.

    Raises:
        NotFound.
        NotRetried: the post has not ended, nothing of it failed, or a message of these did not.
        Invalid: names ``recipients[17]``, to whom the post was never sent.
        ChannelClosed.
    """
    post = await service.get_post(session, post_id, lock=True)
    lifecycle.check_retried(post.status)
    channel = await channels.get_channel_row(session, post.channel_id)
    if not channels.is_open(channel):
        raise service.ChannelClosed(channels.why_closed(channel), field="channel_id", fix="Then try again.")
    rows = await deliveries.lock_failed(session, post, recipients or ())
    if recipients is not None:
        _check(recipients, {row["recipient"]: row for row in rows})
    wanted = {row["recipient"] for row in rows} if recipients is None else set(recipients)
    ids = [row["id"] for row in rows if row["recipient"] in wanted and not row["opted_out"]]
    if not ids:
        raise NotRetried(
            "Nobody failed who still wants broadcasts from this channel."
            if rows
            else "No message of this post failed.",
            field="status",
            fix="GET .../deliveries lists what became of each.",
        )
    await deliveries.send_again(session, post, ids, now=now)
    await service.enqueue(session, post, channel, now=now)
    await session.refresh(post)
    return post, len(ids)


def _check(recipients: Sequence[str], there: dict[str, RowMapping]) -> None:
    problems = list(_problems(recipients, there))[:TOLD]
    if problems:
        first, *also = problems
        raise type(first)(first.message, field=first.field, fix=first.fix, also=also)


def _problems(recipients: Sequence[str], there: dict[str, RowMapping]) -> Iterator[SocialSyncError]:
    for number, recipient in enumerate(recipients):
        field, row = f"recipients[{number}]", there.get(recipient)
        if row is None:
            yield Invalid(
                "This is no recipient of the post.", field=field, fix="Write it as GET .../deliveries does."
            )
        elif row["status"] == "unknown":
            yield NotRetried(
                "This message may have arrived.",
                field=field,
                fix="Find out, and say so: POST .../resolve. Or leave it out.",
            )
        elif row["status"] != "failed":
            yield NotRetried(f"This message is {row['status']}.", field=field, fix="Leave it out.")
        elif row["opted_out"]:
            yield NotRetried(
                "This person wants no broadcasts from this channel.", field=field, fix="Leave them out."
            )
