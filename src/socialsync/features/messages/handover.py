"""A person is asked for, and told: the conversation and its escalation change together."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.features.escalations import service as escalations
from socialsync.features.escalations.service import Urgency
from socialsync.features.messages import queries


async def ask_for_person(
    session: AsyncSession,
    conversation_id: UUID,
    why: str,
    *,
    urgency: Urgency = "normal",
    rule: str | None = None,
    now: datetime,
) -> None:
    """A person is waited for, unless one is there: one escalation says so until they come."""
    conversation = await queries.ask_for_person(session, conversation_id, why, now=now)
    if conversation is None:
        return
    await escalations.open(
        session,
        workspace_id=conversation.workspace_id,
        channel_id=conversation.channel_id,
        subject="conversation",
        subject_id=conversation_id,
        urgency=urgency,
        reason=why,
        rule=rule,
        excerpt=await queries.find_last_words(session, conversation),
        link=f"/conversations/{conversation_id}",
        now=now,
    )
