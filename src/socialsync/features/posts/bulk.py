"""Thousands of posts at once, all or none: checked, looked at, stored in one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.errors import Invalid
from socialsync.features.accounts import service as accounts
from socialsync.features.channels import service as channels
from socialsync.features.posts import content, planned
from socialsync.features.posts.probing import Media

TOLD = 100
"""Problems that one answer tells."""
_NO_CHANNEL = "There is no such channel in this workspace."
_WHICH_CHANNELS = "GET /api/v1/channels lists them; POST /api/v1/channels connects one."


@dataclass(frozen=True)
class Misshapen:
    """One of many that is no post; its problems name fields of one post."""

    problems: Sequence[Invalid]


@dataclass(frozen=True)
class Checked:
    """A post that can be stored."""

    platform: str
    columns: dict[str, Any]

    @property
    def media(self) -> Media:
        """What is to be looked at before it is stored: nothing of a draft."""
        urls = self.columns["media_urls"] if self.columns["status"] == "queued" else ()
        return Media(self.platform, tuple(urls), self.columns["media_type"])


async def check_many(
    session: AsyncSession,
    workspace_id: UUID,
    posts: Sequence[Mapping[str, Any] | Misshapen],
    *,
    now: datetime,
) -> list[Checked]:
    """Refuse what ``service.schedule`` would refuse of any of these, and what is no post.

    Raises:
        Invalid: names fields as ``posts[17].text``, the first problems of them all.
    """
    zone = (await accounts.get_workspace(session, workspace_id)).timezone
    shapely = [post for post in posts if not isinstance(post, Misshapen)]
    platforms = await _platforms(session, {post["channel_id"] for post in shapely})
    checked: list[Checked] = []
    problems: list[Invalid] = []
    for number, post in enumerate(posts):
        try:
            if isinstance(post, Misshapen):
                problems += (_at(f"posts[{number}]", problem) for problem in post.problems)
            else:
                checked.append(_checked(post, platforms.get(post["channel_id"]), zone=zone, now=now))
        except Invalid as error:
            problems.append(_at(f"posts[{number}]", error))
        if len(problems) >= TOLD:
            break
    if problems:
        first, *also = problems[:TOLD]
        raise Invalid(first.message, field=first.field, fix=first.fix, also=also)
    return checked


async def add_many(
    session: AsyncSession, workspace_id: UUID, posts: Sequence[Checked]
) -> Sequence[RowMapping]:
    """Store them: ``id, status, publish_at`` of each, in their order."""
    return await planned.add_posts(session, workspace_id, [post.columns for post in posts])


def _checked(post: Mapping[str, Any], platform: str | None, *, zone: str, now: datetime) -> Checked:
    if platform is None:
        raise Invalid(_NO_CHANNEL, field="channel_id", fix=_WHICH_CHANNELS)
    values = content.completed(post, zone=zone, now=now)
    return Checked(platform, {**values, "media_type": content.check_media_type(platform, values)})


def _at(place: str, error: Invalid) -> Invalid:
    field = f"{place}.{error.field}" if error.field else place
    return Invalid(error.message, field=field, fix=error.fix)


async def _platforms(session: AsyncSession, channel_ids: set[UUID]) -> dict[UUID, str]:
    found = [await channels.find_channel(session, channel_id) for channel_id in channel_ids]
    return {channel.id: channel.platform for channel in found if channel is not None}
