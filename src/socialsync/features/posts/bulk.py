"""Thousands of posts at once, all or none, in one statement."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.errors import Invalid
from socialsync.features.accounts import service as accounts
from socialsync.features.channels import service as channels
from socialsync.features.posts import content, planned

MOST = 10_000
TOLD = 20
"""Problems that one answer tells."""
_NO_CHANNEL = "There is no such channel in this workspace."
_WHICH_CHANNELS = "GET /api/v1/channels lists them; POST /api/v1/channels connects one."


async def schedule_many(
    session: AsyncSession, workspace_id: UUID, posts: Sequence[Mapping[str, Any]], *, now: datetime
) -> Sequence[RowMapping]:
    """Store new posts, each as ``service.schedule`` would.

    Returns:
        ``id, status, publish_at`` of each, in their order.

    Raises:
        Invalid: names fields as ``posts[17].text``, the first problems of them all.
    """
    rows = await check_many(session, workspace_id, posts, now=now)
    return await planned.add_posts(session, workspace_id, rows)


async def check_many(
    session: AsyncSession, workspace_id: UUID, posts: Sequence[Mapping[str, Any]], *, now: datetime
) -> list[dict[str, Any]]:
    """The columns of each. Raises Invalid as ``schedule_many``."""
    zone = (await accounts.get_workspace(session, workspace_id)).timezone
    platforms = await _platforms(session, {post["channel_id"] for post in posts})
    rows: list[dict[str, Any]] = []
    problems: list[Invalid] = []
    for number, post in enumerate(posts):
        try:
            rows.append(_row(post, platforms.get(post["channel_id"]), zone=zone, now=now))
        except Invalid as error:
            problems.append(_at(f"posts[{number}]", error))
            if len(problems) == TOLD:
                break
    if problems:
        first, *also = problems
        raise Invalid(first.message, field=first.field, fix=first.fix, also=also)
    return rows


def _row(post: Mapping[str, Any], platform: str | None, *, zone: str, now: datetime) -> dict[str, Any]:
    if platform is None:
        raise Invalid(_NO_CHANNEL, field="channel_id", fix=_WHICH_CHANNELS)
    values = content.completed(post, zone=zone, now=now)
    return {**values, "media_type": content.check_media_type(platform, values)}


def _at(place: str, error: Invalid) -> Invalid:
    field = f"{place}.{error.field}" if error.field else place
    return Invalid(error.message, field=field, fix=error.fix)


async def _platforms(session: AsyncSession, channel_ids: set[UUID]) -> dict[UUID, str]:
    found = [await channels.find_channel(session, channel_id) for channel_id in channel_ids]
    return {channel.id: channel.platform for channel in found if channel is not None}
