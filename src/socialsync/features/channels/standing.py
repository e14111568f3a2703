"""Whether anything is done for a channel now, and if not, why."""

from socialsync.features.channels.models import Channel


def is_open(channel: Channel) -> bool:
    """Whether calls are made for it: active and not paused."""
    return channel.status == "active" and channel.paused_at is None


def why_closed(channel: Channel) -> str:
    """Why nothing is done for it now and what to do, for a person. Only of one that is not open."""
    if channel.status == "deleted":
        return f"The channel {channel.name!r} was deleted. Connect its account again."
    if channel.status == "needs_reauth":
        reason = channel.status_reason or "The platform no longer takes the token"
        return (
            f"The channel {channel.name!r} needs a new access token: {reason.rstrip('.')}."
            f" PATCH /api/v1/channels/{channel.id} with a new one."
        )
    return f"The channel {channel.name!r} is paused. Resume it: DELETE /api/v1/channels/{channel.id}/pause."
