"""The verbs of conversations. Each takes a session, never commits and never touches the network."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.db import audit
from socialsync.errors import Conflict
from socialsync.features.conversations import floor
from socialsync.features.escalations import service as escalations
from socialsync.features.messages import service as messages
from socialsync.features.messages.service import Conversation, Intervention
from socialsync.platforms.contract import Template
from socialsync.queue import deferring

UPDATE_STATE = "conversations.update_langgraph_state"
SYNC_OPERATOR = "conversations.sync_operator_message"
HANDED_BACK = "The conversation was handed back."


class FloorTaken(Conflict):
    """The AI has the floor: take the conversation over first."""


async def take_over(session: AsyncSession, conversation_id: UUID, *, by: str, now: datetime) -> Conversation:
    """A person has the floor from now on; what the AI has not sent yet it does not send. One that a person
    has already stays as it is.

    Raises:
        NotFound.
    """
    conversation = await messages.hold_conversation(session, conversation_id)
    if conversation.mode == "human":
        return conversation
    await messages.silence_ai(session, conversation, now=now)
    taken = {
        "mode": "human",
        "taken_over_at": now,
        "taken_over_by": by,
        "needs_person_at": None,
        "needs_person_why": None,
    }
    conversation = await messages.update_conversation(session, conversation_id, taken, now=now)
    await escalations.claim_of(
        session, conversation.workspace_id, "conversation", conversation_id, by=by, now=now
    )
    await _note(session, conversation, "taken_over", by)
    await _update_state(session, conversation, now=now)
    return conversation


async def hand_back(session: AsyncSession, conversation_id: UUID, *, by: str, now: datetime) -> Conversation:
    """The AI has the floor again, for what is written from now on. One that it has stays as it is.

    Raises:
        NotFound.
    """
    conversation = await messages.hold_conversation(session, conversation_id)
    if conversation.mode == "ai":
        return conversation
    given = {"mode": "ai", "taken_over_at": None, "taken_over_by": None, "handed_back_at": now}
    conversation = await messages.update_conversation(session, conversation_id, given, now=now)
    await escalations.resolve_of(
        session, conversation.workspace_id, "conversation", conversation_id, by=by, note=HANDED_BACK, now=now
    )
    await _note(session, conversation, "handed_back", by)
    await _update_state(session, conversation, now=now)
    return conversation


async def step_in(session: AsyncSession, interventions: Sequence[Intervention], *, now: datetime) -> None:
    """Somebody answered from the platform's own app: they have the floor.

    Args:
        session: of a system transaction that holds these conversations.
    """
    latest = {each.conversation_id: each for each in sorted(interventions, key=lambda each: each.at)}
    for conversation_id in sorted(latest):
        conversation = await messages.hold_conversation(session, conversation_id)
        if floor.is_new(latest[conversation_id].at, conversation.handed_back_at):
            await take_over(session, conversation_id, by=floor.FROM_APP, now=now)
            await _sync_operator(session, conversation, now=now)


async def write_as_operator(
    session: AsyncSession,
    conversation_id: UUID,
    *,
    text: str | None,
    template: Template | None,
    now: datetime,
) -> list[UUID]:
    """What a person of the business writes goes into the outbox: the ids of its messages, in their order.

    Raises:
        NotFound.
        FloorTaken: the AI has the floor.
        ReplyWindowClosed: the person's last message is too old for a free text.
        Invalid: names the field.
    """
    conversation = await messages.hold_conversation(session, conversation_id)
    if conversation.mode != "human":
        raise FloorTaken(
            "The AI has the floor in this conversation.",
            fix=f"PUT /api/v1/conversations/{conversation_id}/takeover first.",
        )
    if template is not None:
        ids = await messages.write_template(session, conversation, template, now=now)
    else:
        ids = await messages.write(session, conversation, text or "", author="operator", now=now)
    await _sync_operator(session, conversation, now=now)
    return ids


async def _update_state(session: AsyncSession, conversation: Conversation, *, now: datetime) -> None:
    """What the AI remembers follows promptly; nobody waits for it."""
    arguments = {"workspace_id": conversation.workspace_id, "conversation_id": conversation.id}
    await deferring.slide(session, UPDATE_STATE, arguments, queueing_lock=f"state:{conversation.id}", at=now)


async def _sync_operator(session: AsyncSession, conversation: Conversation, *, now: datetime) -> None:
    arguments = {"workspace_id": conversation.workspace_id, "conversation_id": conversation.id}
    await deferring.slide(
        session, SYNC_OPERATOR, arguments, queueing_lock=f"operator:{conversation.id}", at=now
    )


async def _note(session: AsyncSession, conversation: Conversation, verb: str, by: str) -> None:
    detail: dict[str, Any] = {}
    await audit.record(
        session,
        actor=by,
        action=f"conversations.{verb}",
        subject=f"conversation:{conversation.id}",
        workspace_id=conversation.workspace_id,
        detail=detail,
    )
