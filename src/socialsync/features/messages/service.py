"""The verbs of messages. Each takes a session, never commits and never touches the network."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.errors import Invalid, NotFound
from socialsync.features.channels import service as channels
from socialsync.features.messages import outbox, queries, reach, splitting, windows
from socialsync.features.messages.arrivals import expect_echo
from socialsync.features.messages.handover import ask_for_person
from socialsync.features.messages.models import (
    Contact,
    Conversation,
    Message,
    MessageMedia,
    MessageReaction,
)
from socialsync.features.messages.outbox import requeue_stranded
from socialsync.features.messages.people import Meeting
from socialsync.features.messages.queries import (
    contacts_of,
    list_contacts,
    list_conversations,
    list_messages,
    media_of,
    reactions_to,
    update_conversation,
)
from socialsync.features.messages.reach import ReplyWindowClosed
from socialsync.features.messages.receiving import Intervention, meeting, receive
from socialsync.features.messages.sending import STEPPED_IN
from socialsync.features.messages.settling import NotInDoubt, resolve
from socialsync.features.messages.statuses import receive_statuses
from socialsync.features.messages.windows import Window, check_buffer
from socialsync.platforms.contract import Template
from socialsync.platforms.whatsapp import content

__all__ = [
    "Contact",
    "Conversation",
    "Intervention",
    "Meeting",
    "Message",
    "MessageMedia",
    "MessageReaction",
    "NotInDoubt",
    "ReplyWindowClosed",
    "Window",
    "ask_for_person",
    "check_buffer",
    "contacts_of",
    "expect_echo",
    "list_contacts",
    "list_conversations",
    "list_messages",
    "media_of",
    "meeting",
    "reactions_to",
    "receive",
    "receive_statuses",
    "requeue_stranded",
    "resolve",
    "update_conversation",
]


async def get_contact(session: AsyncSession, contact_id: UUID) -> Contact:
    """Raises NotFound."""
    found = await queries.find_contact(session, contact_id)
    if found is None:
        raise NotFound("There is no such contact in this workspace.", fix="GET /api/v1/contacts lists them.")
    return found


async def get_conversation(session: AsyncSession, conversation_id: UUID) -> Conversation:
    """Raises NotFound."""
    return _there(await queries.find_conversation(session, conversation_id))


async def hold_conversation(session: AsyncSession, conversation_id: UUID) -> Conversation:
    """FOR UPDATE. Raises NotFound."""
    return _there(await queries.lock_conversation(session, conversation_id))


async def get_media(session: AsyncSession, media_id: UUID) -> MessageMedia:
    """With its content. Raises NotFound: not there, or not fetched (yet)."""
    found = await queries.find_media(session, media_id)
    if found is None or found.content is None:
        raise NotFound(
            "There is no such file, or it was not fetched.", fix="The message tells the status of its files."
        )
    return found


async def write(
    session: AsyncSession,
    conversation: Conversation,
    text: str,
    *,
    author: str,
    window_id: UUID | None = None,
    now: datetime,
) -> list[UUID]:
    """Put a text into the outbox, in as many messages as its platform needs: their ids, in their order.

    Args:
        conversation: held by this session.
        author: ``ai`` or ``operator``.

    Raises:
        Invalid: there is nothing in it.
        ReplyWindowClosed: the person's last message is too old for a free text.
    """
    channel = await channels.get_channel(session, conversation.channel_id)
    reach.check(channel.platform, author, conversation.last_inbound_at, now)
    measure = reach.MEASURES[channel.platform]
    parts = splitting.split(text, measure.most, measure.size)
    if not parts:
        raise Invalid("A message needs a text.", field="text", fix="Write something.")
    payloads = [{"kind": "text", "text": part} for part in parts]
    return await outbox.add(
        session, await _row(session, conversation), payloads, author=author, window_id=window_id, now=now
    )


def reaches(conversation: Conversation, *, now: datetime) -> bool:
    """Whether a free text of the AI is delivered: the person's last message is not too old."""
    return reach.is_open(conversation.last_inbound_at, now)


async def write_template(
    session: AsyncSession, conversation: Conversation, template: Template, *, now: datetime
) -> list[UUID]:
    """Put an approved template into the outbox, which WhatsApp delivers at any time.

    Raises:
        Invalid: not on WhatsApp, or no template could be called so.
    """
    channel = await channels.get_channel(session, conversation.channel_id)
    if channel.platform != "whatsapp":
        raise Invalid("Instagram has no templates.", field="template", fix="Write a text.")
    content.check_template(template)
    payload = {
        "kind": "template",
        "text": None,
        "name": template.name,
        "language": template.language,
        "components": [dict(each) for each in template.components],
    }
    return await outbox.add(session, await _row(session, conversation), [payload], author="template", now=now)


async def close_window(session: AsyncSession, conversation: Conversation, *, now: datetime) -> Window | None:
    """Close the conversation's window if its time has come: what is to be handled now, as one. The session
    holds the conversation.
    """
    return await windows.close_due(session, conversation.workspace_id, conversation.id, now=now)


async def due_at(session: AsyncSession, conversation: Conversation) -> datetime | None:
    """When the conversation's open window ends."""
    return await windows.due_at(session, conversation.workspace_id, conversation.id)


async def drop_for_newer(
    session: AsyncSession, conversation: Conversation, window: Window, *, now: datetime
) -> bool:
    """Whether the person wrote on and is answered for all of it later. The session holds the conversation."""
    return await windows.drop_for_newer(session, conversation.workspace_id, conversation.id, window, now=now)


async def end_window(
    session: AsyncSession,
    conversation: Conversation,
    window: Window,
    outcome: windows.Outcome,
    reason: str | None = None,
    *,
    now: datetime,
) -> bool:
    """Give a window its outcome, once; False when it has one."""
    return await windows.end(session, conversation.workspace_id, window.id, outcome, reason, now=now)


async def silence_ai(session: AsyncSession, conversation: Conversation, *, now: datetime) -> None:
    """A person stepped in: what waits for the AI, or was written by it and is not on its way, ends."""
    workspace_id = conversation.workspace_id
    await windows.end_all(session, workspace_id, conversation.id, "taken_over", now=now)
    await outbox.drop_of_ai(session, workspace_id, conversation.id, STEPPED_IN, now=now)


async def list_by_ids(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[Message]:
    """In the order of the ids."""
    found: Mapping[UUID, Any] = await queries.messages_by_id(session, ids)
    return [found[each] for each in ids]


async def _row(session: AsyncSession, conversation: Conversation) -> RowMapping:
    row = await outbox.lock_conversation(session, conversation.workspace_id, conversation.id)
    if row is None:
        raise NotFound("There is no such conversation in this workspace.")
    return row


def _there(conversation: Conversation | None) -> Conversation:
    if conversation is None:
        raise NotFound(
            "There is no such conversation in this workspace.",
            fix="GET /api/v1/conversations lists them.",
        )
    return conversation
