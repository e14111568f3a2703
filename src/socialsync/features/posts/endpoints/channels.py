"""The doors by which a channel goes, or goes on: here, because its posts have a say in it."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.status import HTTP_204_NO_CONTENT

from socialsync import clock
from socialsync.api.opened import Opened
from socialsync.api.principal import Operator
from socialsync.api.routing import Router
from socialsync.features.channels.schemas import ChannelOut
from socialsync.features.posts import closing, reopening

router = Router(prefix="/api/v1/channels", tags=["channels"])


@router.delete("/{channel_id}", summary="Delete a channel", status_code=HTTP_204_NO_CONTENT)
async def delete_channel(
    channel_id: UUID,
    caller: Operator,
    opened: Opened,
    cancel_posts: Annotated[
        bool, Query(description="Cancel the posts that wait to be published by this channel.")
    ] = False,
) -> None:
    """Its token is forgotten at once; its posts and their history stay. While posts wait to be published by
    it: 409, which says how many, unless `cancel_posts` is true. Drafts stay as they are.
    """
    async with opened.database.transaction(caller.workspace_id) as session:
        await closing.delete_channel(
            session, channel_id, cancel_posts=cancel_posts, actor=caller.actor, now=clock.now()
        )


@router.delete("/{channel_id}/pause", summary="Resume a channel")
async def resume_channel(channel_id: UUID, caller: Operator, opened: Opened) -> ChannelOut:
    """The posts that waited go on at once. One that is not paused stays as it is."""
    async with opened.database.transaction(caller.workspace_id) as session:
        row = await reopening.resume_channel(session, channel_id, actor=caller.actor, now=clock.now())
        return ChannelOut.model_validate(row)
