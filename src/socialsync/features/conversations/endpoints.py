"""The doors to conversations: what is said, who has the floor, and a person's own words."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response
from starlette.status import HTTP_201_CREATED

from socialsync import clock
from socialsync.api.idempotency import AskedOnce, once
from socialsync.api.opened import Opened
from socialsync.api.pages import Paged
from socialsync.api.principal import Operator, Reader
from socialsync.api.routing import Router
from socialsync.api.schemas import Page
from socialsync.features.conversations import service
from socialsync.features.conversations.schemas import ConversationOut, NewMessage
from socialsync.features.messages import service as messages
from socialsync.features.messages.schemas import ContactOut, FileOut, MessageOut, ReactionOut
from socialsync.platforms.contract import Template

router = Router(prefix="/api/v1/conversations", tags=["conversations"])


@router.get("", summary="List the conversations")
async def list_conversations(  # noqa: PLR0917 - FastAPI calls by name
    caller: Reader,
    opened: Opened,
    paged: Paged,
    channel_id: UUID | None = None,
    contact_id: UUID | None = None,
    mode: Literal["ai", "human"] | None = None,
    needs_person: bool | None = None,
) -> Page[ConversationOut]:
    """Newest first. `needs_person` shows those in which a person is waited for."""
    async with opened.database.transaction(caller.workspace_id) as session:
        rows = await messages.list_conversations(
            session,
            channel_id=channel_id,
            contact_id=contact_id,
            mode=mode,
            needs_person=needs_person,
            before=paged.cursor,
            limit=paged.fetch,
        )
        shown = {each.id: each for each in await _shown(session, rows)}
    return paged.page(rows, lambda row: shown[row.id])


@router.get("/{conversation_id}", summary="Show a conversation")
async def get_conversation(conversation_id: UUID, caller: Reader, opened: Opened) -> ConversationOut:
    async with opened.database.transaction(caller.workspace_id) as session:
        (shown,) = await _shown(session, [await messages.get_conversation(session, conversation_id)])
    return shown


@router.get("/{conversation_id}/messages", summary="List the messages of a conversation")
async def list_messages(
    conversation_id: UUID, caller: Reader, opened: Opened, paged: Paged
) -> Page[MessageOut]:
    """Newest first, with their files and what people feel about them."""
    async with opened.database.transaction(caller.workspace_id) as session:
        await messages.get_conversation(session, conversation_id)
        rows = await messages.list_messages(session, conversation_id, before=paged.cursor, limit=paged.fetch)
        told = {each.id: each for each in await _told(session, rows)}
    return paged.page(rows, lambda row: told[row.id])


@router.put("/{conversation_id}/takeover", summary="Take a conversation over")
async def take_over(conversation_id: UUID, caller: Operator, opened: Opened) -> ConversationOut:
    """The AI is silent from now on; what it has written and not begun to send is not sent."""
    async with opened.database.transaction(caller.workspace_id) as session:
        row = await service.take_over(session, conversation_id, by=caller.actor, now=clock.now())
        (shown,) = await _shown(session, [row])
    return shown


@router.delete("/{conversation_id}/takeover", summary="Hand a conversation back")
async def hand_back(conversation_id: UUID, caller: Operator, opened: Opened) -> ConversationOut:
    """The AI answers what is written from now on, and nothing that was written before."""
    async with opened.database.transaction(caller.workspace_id) as session:
        row = await service.hand_back(session, conversation_id, by=caller.actor, now=clock.now())
        (shown,) = await _shown(session, [row])
    return shown


@router.post(
    "/{conversation_id}/messages",
    summary="Write to the person",
    status_code=HTTP_201_CREATED,
    response_model=MessageOut,
)
async def write_message(
    conversation_id: UUID, body: NewMessage, caller: Operator, opened: Opened, asked: AskedOnce
) -> Response:
    """Sent by a job, in order. A text that is longer than the platform takes is sent in parts; the answer is
    the first. 409 unless the conversation is taken over, and when the person's last message is too old for a
    text.
    """
    template = Template(**body.template.model_dump()) if body.template else None
    async with opened.database.transaction(caller.workspace_id) as session:

        async def write() -> MessageOut:
            ids = await service.write_as_operator(
                session, conversation_id, text=body.text, template=template, now=clock.now()
            )
            (first,) = await messages.list_by_ids(session, ids[:1])
            return MessageOut.model_validate(first)

        return await once(session, asked, write)


async def _shown(session: AsyncSession, rows: Sequence[messages.Conversation]) -> list[ConversationOut]:
    contacts = await messages.contacts_of(session, [row.contact_id for row in rows])
    fields = ConversationOut.model_fields.keys() - {"contact"}
    return [
        ConversationOut(
            **{name: getattr(row, name) for name in fields},
            contact=ContactOut.model_validate(contacts[row.contact_id]),
        )
        for row in rows
    ]


async def _told(session: AsyncSession, rows: Sequence[messages.Message]) -> list[MessageOut]:
    files = await messages.media_of(session, [row.id for row in rows])
    reactions = await messages.reactions_to(session, rows)
    shown = []
    for row in rows:
        one = MessageOut.model_validate(row)
        one.files = [FileOut.model_validate(each) for each in files if each.message_id == row.id]
        one.reactions = [
            ReactionOut.model_validate(each)
            for each in reactions
            if (each.channel_id, each.platform_message_id) == (row.channel_id, row.platform_message_id)
        ]
        shown.append(one)
    return shown
