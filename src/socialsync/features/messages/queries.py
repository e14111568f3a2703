"""The SQL statements about single people, conversations and messages; ``people``, ``arrivals``, ``windows``,
``outbox`` and ``statuses`` have those about many.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from socialsync.features.messages.models import (
    Contact,
    Conversation,
    Message,
    MessageMedia,
    MessageReaction,
)


async def find_contact(session: AsyncSession, contact_id: UUID) -> Contact | None:
    return (await session.scalars(select(Contact).where(Contact.id == contact_id))).one_or_none()


async def list_contacts(
    session: AsyncSession, *, channel_id: UUID | None, search: str | None, before: UUID | None, limit: int
) -> Sequence[Contact]:
    """Newest first.

    Args:
        search: a phone, an id, or the beginning of a name.
    """
    query = select(Contact).order_by(Contact.id.desc()).limit(limit)
    if channel_id is not None:
        query = query.where(Contact.channel_id == channel_id)
    if before is not None:
        query = query.where(Contact.id < before)
    if search is not None:
        names = (func.lower(column).startswith(search.lower(), autoescape=True) for column in
                 (Contact.name, Contact.username))  # fmt: skip
        query = query.where(or_(Contact.phone == search, Contact.user_id == search, *names))
    return (await session.scalars(query)).all()


async def find_conversation(session: AsyncSession, conversation_id: UUID) -> Conversation | None:
    query = select(Conversation).where(Conversation.id == conversation_id)
    return (await session.scalars(query)).one_or_none()


async def lock_conversation(session: AsyncSession, conversation_id: UUID) -> Conversation | None:
    query = select(Conversation).where(Conversation.id == conversation_id).with_for_update()
    return (await session.scalars(query.execution_options(populate_existing=True))).one_or_none()


async def list_conversations(
    session: AsyncSession,
    *,
    channel_id: UUID | None,
    contact_id: UUID | None,
    mode: str | None,
    needs_person: bool | None,
    before: UUID | None,
    limit: int,
) -> Sequence[Conversation]:
    """Newest first."""
    query = select(Conversation).order_by(Conversation.id.desc()).limit(limit)
    wanted = {
        Conversation.channel_id: channel_id,
        Conversation.contact_id: contact_id,
        Conversation.mode: mode,
    }
    query = query.where(*(column == value for column, value in wanted.items() if value is not None))
    if needs_person is not None:
        query = query.where(
            Conversation.needs_person_at.is_not(None)
            if needs_person
            else Conversation.needs_person_at.is_(None)
        )
    if before is not None:
        query = query.where(Conversation.id < before)
    return (await session.scalars(query)).all()


async def contacts_of(session: AsyncSession, contact_ids: Sequence[UUID]) -> Mapping[UUID, Contact]:
    rows = await session.scalars(select(Contact).where(Contact.id.in_(contact_ids)))
    return {row.id: row for row in rows}


async def ask_for_person(
    session: AsyncSession, conversation_id: UUID, why: str, *, now: datetime
) -> Conversation | None:
    """A person is waited for, unless one is there: then None. Since when one is waited for already stays."""
    changed = await session.scalars(
        update(Conversation)
        .where(Conversation.id == conversation_id, Conversation.mode == "ai")
        .values(
            needs_person_at=func.coalesce(Conversation.needs_person_at, now),
            needs_person_why=why,
            updated_at=now,
        )
        .returning(Conversation)
        .execution_options(populate_existing=True)
    )
    return changed.one_or_none()


async def find_last_words(session: AsyncSession, conversation: Conversation) -> str | None:
    """What the person wrote last, after their name where it is known."""
    said = (
        select(Message.text, func.coalesce(Contact.name, Contact.username))
        .join(Contact, Contact.id == conversation.contact_id)
        .where(
            Message.workspace_id == conversation.workspace_id,
            Message.conversation_id == conversation.id,
            Message.direction == "inbound",
            Message.text.is_not(None),
        )
        .order_by(Message.id.desc())
        .limit(1)
    )
    words = (await session.execute(said)).one_or_none()
    if words is None:
        return None
    return f"{words[1]}: {words[0]}" if words[1] else words[0]


async def update_conversation(
    session: AsyncSession, conversation_id: UUID, values: Mapping[str, Any], *, now: datetime
) -> Conversation:
    changed = await session.scalars(
        update(Conversation)
        .where(Conversation.id == conversation_id)
        .values(**values, updated_at=now)
        .returning(Conversation)
        .execution_options(populate_existing=True)
    )
    return changed.one()


async def find_message(session: AsyncSession, message_id: UUID) -> Message | None:
    return (await session.scalars(select(Message).where(Message.id == message_id))).one_or_none()


async def messages_by_id(session: AsyncSession, ids: Sequence[UUID]) -> Mapping[UUID, Message]:
    rows = await session.scalars(select(Message).where(Message.id.in_(ids)))
    return {row.id: row for row in rows}


async def lock_message(session: AsyncSession, message_id: UUID) -> Message | None:
    query = select(Message).where(Message.id == message_id).with_for_update()
    return (await session.scalars(query.execution_options(populate_existing=True))).one_or_none()


async def update_message(
    session: AsyncSession, message_id: UUID, values: Mapping[str, Any], *, now: datetime
) -> Message:
    changed = await session.scalars(
        update(Message)
        .where(Message.id == message_id)
        .values(**values, updated_at=now)
        .returning(Message)
        .execution_options(populate_existing=True)
    )
    return changed.one()


async def list_messages(
    session: AsyncSession, conversation_id: UUID, *, before: UUID | None, limit: int
) -> Sequence[Message]:
    """Newest first, in the order in which they came to us."""
    query = select(Message).where(Message.conversation_id == conversation_id)
    if before is not None:
        query = query.where(Message.id < before)
    return (await session.scalars(query.order_by(Message.id.desc()).limit(limit))).all()


async def media_of(session: AsyncSession, message_ids: Sequence[UUID]) -> Sequence[MessageMedia]:
    """Without their contents, in their order."""
    query = select(MessageMedia).where(MessageMedia.message_id.in_(message_ids))
    return (await session.scalars(query.order_by(MessageMedia.message_id, MessageMedia.place))).all()


async def find_media(session: AsyncSession, media_id: UUID) -> MessageMedia | None:
    """With its content."""
    query = select(MessageMedia).where(MessageMedia.id == media_id).options(undefer(MessageMedia.content))
    return (await session.scalars(query)).one_or_none()


async def update_media(
    session: AsyncSession, media_id: UUID, values: Mapping[str, Any], *, now: datetime
) -> None:
    """Unless it was settled meanwhile, e.g. deleted by whoever sent it."""
    await session.execute(
        update(MessageMedia)
        .where(MessageMedia.id == media_id, MessageMedia.status == "pending")
        .values(**values, updated_at=now)
    )


async def reactions_to(session: AsyncSession, messages: Sequence[Message]) -> Sequence[MessageReaction]:
    """Those that were not taken back."""
    targets = {(each.channel_id, each.platform_message_id) for each in messages if each.platform_message_id}
    if not targets:
        return []
    query = select(MessageReaction).where(
        MessageReaction.channel_id.in_({channel_id for channel_id, _ in targets}),
        MessageReaction.platform_message_id.in_({target for _, target in targets}),
        MessageReaction.emoji.is_not(None),
    )
    return (await session.scalars(query)).all()
