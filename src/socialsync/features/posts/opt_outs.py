"""People who want no broadcasts from a channel (any more)."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.errors import Invalid, NotFound
from socialsync.features.channels import service as channels
from socialsync.features.posts import planned
from socialsync.features.posts.models import OptOut


async def add(
    session: AsyncSession, workspace_id: UUID, channel_id: UUID, recipient: str, *, reason: str
) -> OptOut:
    """Send this number no broadcasts from this channel; one that is on the list stays as it is.

    Raises:
        Invalid: no such channel, or none that has broadcasts.
    """
    channel = await channels.find_channel(session, channel_id)
    if channel is None or channel.platform != "whatsapp":
        raise Invalid(
            "There is no such WhatsApp channel in this workspace.",
            field="channel_id",
            fix="GET /api/v1/channels lists them.",
        )
    return await planned.add_opt_out(session, workspace_id, channel_id, recipient, reason)


async def list_opt_outs(
    session: AsyncSession, *, before: UUID | None, limit: int, channel_id: UUID | None = None
) -> Sequence[OptOut]:
    """Newest first."""
    return await planned.list_opt_outs(session, before=before, limit=limit, channel_id=channel_id)


async def remove(session: AsyncSession, opt_out_id: UUID) -> None:
    """Raises NotFound."""
    if not await planned.delete_opt_out(session, opt_out_id):
        raise NotFound(
            "There is no such opt-out in this workspace.",
            field="opt_out_id",
            fix="GET /api/v1/opt-outs lists them.",
        )
