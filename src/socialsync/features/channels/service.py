"""The verbs of channels. Each takes a session, never commits and never touches the network."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import clock
from socialsync.db import audit
from socialsync.db.encryption import Cipher
from socialsync.errors import Conflict, NotFound
from socialsync.features.channels import buffers, gaps, queries, tokens
from socialsync.features.channels.gaps import LOOKED_BACK, miss_all
from socialsync.features.channels.gaps import close as close_gap
from socialsync.features.channels.gaps import give_up as give_up_gap
from socialsync.features.channels.manner import Manner, check_manner
from socialsync.features.channels.models import Channel
from socialsync.features.channels.senders import check_sender, conversations_key, limit_key, sender_of
from socialsync.features.channels.standing import is_open, why_closed
from socialsync.platforms.contract import Sender
from socialsync.queue import limits

Found = TypeVar("Found")

SYSTEM = "socialsync"
"""The actor of what nobody asked for."""
WHATSAPP_RATE = 80
"""Messages a second from one number (Meta, "Throughput")."""
WHATSAPP_BURST = 10
"""A broadcast's batch. Eighty at once would make the first second's messages twice as many as Meta takes."""
CONVERSATIONS_RATE = 2
"""Pages of conversations a second of one account (Meta, "Rate Limits"), which is its burst too."""
_USUAL_BUFFER = {"buffer_quiet_s": 5.0, "buffer_max_s": 20.0}

__all__ = [
    "LOOKED_BACK",
    "Channel",
    "ChannelExists",
    "Manner",
    "catch_up",
    "change",
    "close_gap",
    "connect",
    "conversations_key",
    "delete",
    "find_channel",
    "get_channel",
    "get_channel_row",
    "get_channel_row_with_manner",
    "get_manner",
    "give_up_gap",
    "is_open",
    "limit_key",
    "list_channels",
    "load_sender",
    "mark_revoked",
    "miss_all",
    "note",
    "pause",
    "resume",
    "sender_of",
    "why_closed",
]


class ChannelExists(Conflict):
    """The workspace has a channel for this account of the platform already."""


async def connect(
    session: AsyncSession,
    cipher: Cipher,
    workspace_id: UUID,
    content: Mapping[str, Any],
    *,
    access_token: str,
    actor: str,
) -> Channel:
    """Connect an account of a platform. What was written to it before is pulled.

    Args:
        content: ``platform name external_id`` and, where they differ from the usual, ``ai_enabled_for_chats
            ai_enabled_for_comments hide_ignored_comments reply_privately escalation_email buffer_quiet_s
            buffer_max_s``, and of its own ``languages tone business_hours``.
        access_token: stored encrypted; nothing gives it back but ``sender_of``.

    Raises:
        Invalid: names the field.
        ChannelExists.
    """
    now = clock.now()
    values = {**_USUAL_BUFFER, **check_manner(content), "created_at": now, "updated_at": now}
    buffers.check_buffer(quiet_s=values["buffer_quiet_s"], max_s=values["buffer_max_s"])
    check_sender(values["external_id"], access_token)
    values["workspace_id"] = workspace_id
    values |= _new_token(values["platform"], cipher, access_token, now=now)
    channel = await queries.add_channel(session, values)
    if channel is None:
        raise ChannelExists(
            "This workspace has a channel for this account already.",
            field="external_id",
            fix="Change that one with PATCH, or DELETE it first. GET /api/v1/channels lists them.",
        )
    await _set_usual_rate(session, channel)
    await gaps.miss_recent(session, channel, now=now)
    await note(session, channel, "connected", actor, {"platform": channel.platform})
    return channel


async def get_channel(session: AsyncSession, channel_id: UUID) -> Channel:
    """Raises NotFound: not there, deleted, or another workspace's."""
    return _there(await queries.find_channel(session, channel_id))


async def find_channel(session: AsyncSession, channel_id: UUID) -> Channel | None:
    """A channel that is not deleted."""
    return await queries.find_channel(session, channel_id)


async def get_channel_row(session: AsyncSession, channel_id: UUID) -> Channel:
    """A channel in any status, deleted ones too. Raises NotFound."""
    return _there(await queries.find_row(session, channel_id))


async def get_channel_row_with_manner(session: AsyncSession, channel_id: UUID) -> tuple[Channel, Manner]:
    """As ``get_channel_row``, and how it speaks. Raises NotFound."""
    return _there(await queries.find_row_with_manner(session, channel_id))


get_manner = queries.get_manner


async def list_channels(session: AsyncSession, *, before: UUID | None, limit: int) -> Sequence[Channel]:
    """Newest first, without the deleted ones."""
    return await queries.list_channels(session, before=before, limit=limit)


async def count_channels(session: AsyncSession) -> int:
    """Without the deleted ones."""
    return await queries.count_channels(session)


async def list_revoked(session: AsyncSession) -> Sequence[Channel]:
    """Those for which nothing is done until a person gives a new token."""
    return await queries.list_revoked(session)


async def change(
    session: AsyncSession,
    cipher: Cipher,
    channel_id: UUID,
    changes: Mapping[str, Any],
    *,
    access_token: str | None,
    actor: str,
    now: datetime,
) -> Channel:
    """Change what is given.

    Args:
        changes: of what ``connect`` takes, without ``platform`` and ``external_id``.
        access_token: a new one makes the channel active again, its posts go on, and what was written
            meanwhile is pulled; None keeps the old one.

    Raises:
        Invalid: names the field.
        NotFound.
    """
    channel = _there(await queries.lock_channel(session, channel_id))
    values = check_manner(changes)
    buffers.check_buffer(
        quiet_s=values.get("buffer_quiet_s", channel.buffer_quiet_s),
        max_s=values.get("buffer_max_s", channel.buffer_max_s),
        blamed="buffer_quiet_s" if "buffer_quiet_s" in values else "buffer_max_s",
    )
    fields = sorted(values)
    if access_token is not None:
        check_sender(channel.external_id, access_token)
        values |= _new_token(channel.platform, cipher, access_token, now=now)
        fields.append("access_token")
    if not values:
        return channel
    await note(session, channel, "changed", actor, {"fields": fields})
    channel = await queries.update_channel(session, channel_id, values, now=now)
    if access_token is not None:
        await gaps.miss_recent(session, channel, now=now)
    return channel


async def pause(session: AsyncSession, channel_id: UUID, *, actor: str, now: datetime) -> Channel:
    """Have its posts wait until it is resumed; what is being sent goes on. A paused one stays as it is.

    Raises:
        NotFound.
    """
    channel = _there(await queries.lock_channel(session, channel_id))
    if channel.paused_at is not None:
        return channel
    await note(session, channel, "paused", actor, {})
    return await queries.update_channel(session, channel_id, {"paused_at": now}, now=now)


async def resume(session: AsyncSession, channel_id: UUID, *, actor: str, now: datetime) -> Channel:
    """Let its posts go on. One that is not paused stays as it is.

    Raises:
        NotFound.
    """
    channel = _there(await queries.lock_channel(session, channel_id))
    if channel.paused_at is None:
        return channel
    await note(session, channel, "resumed", actor, {})
    return await queries.update_channel(session, channel_id, {"paused_at": None}, now=now)


async def catch_up(session: AsyncSession, channel_id: UUID, *, actor: str, now: datetime) -> Channel:
    """Have what was written in the last 24 hours pulled, as if nobody had heard of it.

    Raises:
        NotFound.
        TellsNothingAgain: not on WhatsApp.
    """
    channel = _there(await queries.lock_channel(session, channel_id))
    gaps.check(channel)
    await gaps.miss_recent(session, channel, now=now)
    await note(session, channel, "catch_up_wanted", actor, {})
    return channel


async def delete(session: AsyncSession, channel_id: UUID, *, actor: str, now: datetime) -> None:
    """Forget the token and hide the channel; the row stays for its posts, its account may be connected again.

    Raises:
        NotFound: deleted before, too.
    """
    channel = _there(await queries.lock_channel(session, channel_id))
    gone = {"status": "deleted", "status_reason": None, "token_encrypted": None, "deleted_at": now}
    await queries.update_channel(session, channel_id, gone, now=now)
    await note(session, channel, "deleted", actor, {"platform": channel.platform})


async def mark_revoked(
    session: AsyncSession,
    channel_id: UUID,
    reason: str,
    *,
    now: datetime,
    token_set_at: datetime | None = None,
) -> bool:
    """The platform takes the token no longer: no call is made for the channel until a person gives a new one.
    Only for whoever has looked a second time (``platforms.check_token``).

    Args:
        reason: a sentence for a person.
        token_set_at: of the channel whose token was refused. One that was put in meanwhile is not blamed.

    Returns:
        False when nothing was changed: it was marked before, is deleted, or has another token by now.
    """
    channel = await queries.lock_channel(session, channel_id)
    if channel is None or channel.status != "active" or token_set_at not in (None, channel.token_set_at):
        return False
    refused = {"status": "needs_reauth", "status_reason": reason, "token_checked_at": now}
    await queries.update_channel(session, channel_id, refused, now=now)
    await note(session, channel, "revoked", SYSTEM, {"reason": reason})
    return True


async def load_sender(session: AsyncSession, cipher: Cipher, channel_id: UUID) -> tuple[Channel, Sender]:
    """A channel and in whose name its calls are made. Raises NotFound: not there, or deleted."""
    channel = await get_channel(session, channel_id)
    return channel, sender_of(channel, cipher)


async def note(
    session: AsyncSession, channel: Channel, verb: str, actor: str, detail: dict[str, Any]
) -> None:
    """Write a deed into the audit log: ``channels.<verb>``."""
    await audit.record(
        session,
        actor=actor,
        action=f"channels.{verb}",
        subject=f"channel:{channel.id}",
        workspace_id=channel.workspace_id,
        detail=detail,
    )


async def _set_usual_rate(session: AsyncSession, channel: Channel) -> None:
    if channel.platform == "whatsapp":
        key, rate, burst = limit_key(channel), WHATSAPP_RATE, WHATSAPP_BURST
    else:
        key, rate, burst = conversations_key(channel), CONVERSATIONS_RATE, CONVERSATIONS_RATE
    await limits.set_usual_rate(session, key, rate_per_s=rate, burst=burst)


def _new_token(platform: str, cipher: Cipher, access_token: str, *, now: datetime) -> dict[str, Any]:
    """What becomes of a channel into which a person has put this token."""
    return {
        "token_encrypted": cipher.encrypt(access_token),
        "token_set_at": now,
        "token_expires_at": tokens.ends_at(platform, now),
        "token_checked_at": None,
        "status": "active",
        "status_reason": None,
    }


def _there(found: Found | None) -> Found:
    if found is None:
        raise NotFound("There is no such channel in this workspace.", fix="GET /api/v1/channels lists them.")
    return found
