"""From a window that is over to its outcome: read, decide without any transaction, record.

Who has the floor and what is newest are read before and again in the transaction that records. A window gets
its outcome once, whoever else may have run this meanwhile.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import clock, telemetry
from socialsync.db.away import is_away
from socialsync.errors import SocialSyncError, Temporary
from socialsync.features.channels import service as channels
from socialsync.features.conversations.brain import Brain, Decision, Line, Turn
from socialsync.features.decisions import service as decisions
from socialsync.features.decisions.service import Verdict
from socialsync.features.escalations import service as escalations
from socialsync.features.messages import service as messages
from socialsync.features.messages.service import Conversation, Message, Window
from socialsync.platforms import bodies
from socialsync.platforms.contract import ShowsPresence
from socialsync.queue import jobs
from socialsync.queue.jobs import Job, still_mine
from socialsync.queue.policies import Wait
from socialsync.resources import Resources

log = telemetry.get_logger(__name__)

REMEMBERED = 100
"""Messages that are shown to the brain, the newest ones."""
AI_OFF = "The AI is switched off for the chats of this channel."
EMPTY = "The answer that was written is empty."
WINDOW_CLOSED = "The answer came more than 24 hours after the person's last message."

_Outcome = Literal["answered", "ignored", "escalated"]
_OUTCOMES: dict[Verdict, _Outcome] = {"RESPOND": "answered", "IGNORE": "ignored", "ESCALATE": "escalated"}
Ended = Literal["answered", "ignored", "escalated", "superseded", "taken over", "nothing to answer"]


@dataclass(frozen=True)
class _Where:
    """Where an answer goes, and the platform's id of what was written last."""

    channel: channels.Channel
    contact: messages.Contact
    message_id: str | None


async def answer(
    opened: Resources, job: Job, workspace_id: UUID, conversation_id: UUID, brain: Brain
) -> Ended:
    """Handle what waits in a conversation.

    Raises:
        Wait: its window is not over yet.
        JobLost: another worker has the job.
        Temporary: the brain is away; the policy tries again.
    """
    async with opened.database.transaction(workspace_id) as session:
        begun = await _begin(session, job, conversation_id, now=clock.now())
    if begun is None:
        return "nothing to answer"
    window, turn, where = begun
    why = _why_silent(where.channel)
    if why is not None:
        return await _record(opened, job, turn, window, Decision("ESCALATE", why, source="settings"))
    await _show_typing(opened, where)
    try:
        decision = await brain.decide(turn)
    except Exception as error:
        if is_away(error):
            raise
        await _fail(opened, job, turn, window, error)
        raise
    return await _record(opened, job, turn, window, decision)


async def read_turn(session: AsyncSession, conversation: Conversation) -> Turn:
    """The conversation as it stands, oldest message first."""
    rows = await messages.list_messages(session, conversation.id, before=None, limit=REMEMBERED)
    return _turn(conversation, None, sorted(rows, key=_told))


def _turn(conversation: Conversation, window_id: UUID | None, rows: Sequence[Message]) -> Turn:
    lines = [
        Line(
            message_id=row.id,
            author=row.author,
            kind=row.kind,
            text=row.text,
            told_at=row.told_at,
            asks=window_id is not None and row.window_id == window_id and row.direction == "inbound",
        )
        for row in rows
        if row.deleted_at is None and row.status != "failed"
    ]
    return Turn(conversation.workspace_id, conversation.channel_id, conversation.id, window_id, lines)


def _told(row: Message) -> tuple[datetime, UUID]:
    return row.told_at, row.id


async def _begin(
    session: AsyncSession, job: Job, conversation_id: UUID, *, now: datetime
) -> tuple[Window, Turn, _Where] | None:
    """Close what is over, exactly once; a former life's window is taken up again."""
    await still_mine(session, job)
    conversation = await messages.hold_conversation(session, conversation_id)
    window = await messages.close_window(session, conversation, now=now)
    if window is None:
        due_at = await messages.due_at(session, conversation)
        if due_at is not None:
            raise Wait(max(due_at - now, timedelta(0)))
        return None
    rows = sorted(
        await messages.list_messages(session, conversation.id, before=None, limit=REMEMBERED), key=_told
    )
    turn = _turn(conversation, window.id, rows)
    if not any(line.asks for line in turn.lines):
        await messages.end_window(
            session, conversation, window, "ignored", "Everything was deleted.", now=now
        )
        return None
    newest = next(row for row in reversed(rows) if row.window_id == window.id and row.direction == "inbound")
    channel = await channels.get_channel_row(session, conversation.channel_id)
    contact = await messages.get_contact(session, conversation.contact_id)
    return window, turn, _Where(channel, contact, newest.platform_message_id)


def _why_silent(channel: channels.Channel) -> str | None:
    """Why the AI says nothing here; None when it may."""
    if not channel.ai_enabled_for_chats:
        return AI_OFF
    if not channels.is_open(channel):
        return channels.why_closed(channel)
    return None


async def _show_typing(opened: Resources, where: _Where) -> None:
    """A courtesy: that it fails hinders nothing."""
    platform, person = opened.platforms[where.channel.platform], where.contact.user_id or where.contact.phone
    if not isinstance(platform, ShowsPresence) or not where.message_id or not person:
        return
    try:
        sender = channels.sender_of(where.channel, opened.cipher)
        await platform.mark_read(sender, person, where.message_id, typing=True)
    except SocialSyncError as error:
        log.info("[CHAT] Could not show that somebody is typing", reason=str(error))


async def _record(opened: Resources, job: Job, turn: Turn, window: Window, decision: Decision) -> Ended:
    """Store the outcome, unless a person has stepped in or the customer has written on."""
    now = clock.now()
    async with opened.database.transaction(turn.workspace_id) as session:
        await still_mine(session, job)
        conversation = await messages.hold_conversation(session, turn.conversation_id)
        if conversation.mode == "human":
            await messages.end_window(session, conversation, window, "taken_over", now=now)
            return "taken over"
        if decision.verdict != "ESCALATE" and await messages.drop_for_newer(
            session, conversation, window, now=now
        ):
            log.info("[CHAT] The answer is dropped: the person wrote on", window_id=str(window.id))
            return "superseded"
        return await _store(session, conversation, window, decision, now=now)


async def _store(
    session: AsyncSession, conversation: Conversation, window: Window, decision: Decision, *, now: datetime
) -> Ended:
    """Act on a decision and keep it, with its reason, in one transaction."""
    decision = _feasible(conversation, decision, now=now)
    outcome: _Outcome = _OUTCOMES[decision.verdict]
    if not await messages.end_window(session, conversation, window, outcome, decision.reason, now=now):
        return "taken over"
    about = decisions.Subject(conversation.workspace_id, conversation.channel_id, "chat", window.id)
    judgement = decisions.Judgement(
        decision.verdict, decision.reason, decision.source, decision.rule, decision.confidence
    )
    await decisions.record(session, about, judgement, sources=decision.sources)
    waits_for_person = conversation.needs_person_at is not None
    if decision.verdict == "ESCALATE":
        await messages.ask_for_person(
            session,
            conversation.id,
            decision.reason,
            urgency=escalations.of_judgement(decision.source, decision.rule),
            rule=decision.rule,
            now=now,
        )
    if decision.answer and not (decision.verdict == "ESCALATE" and waits_for_person):
        await messages.write(
            session, conversation, decision.answer, author="ai", window_id=window.id, now=now
        )
    return outcome


def _feasible(conversation: Conversation, decision: Decision, *, now: datetime) -> Decision:
    """The decision as far as it can be done: an answer is not empty, and reaches the person."""
    if decision.verdict == "IGNORE":
        return replace(decision, answer=None)
    text = (bodies.said(decision.answer) or "").strip()
    if decision.verdict == "RESPOND" and not text:
        return Decision("ESCALATE", EMPTY, source="guardrail")
    if messages.reaches(conversation, now=now):
        return replace(decision, answer=text or None)
    if decision.verdict == "ESCALATE":
        return replace(decision, answer=None)
    return Decision("ESCALATE", WINDOW_CLOSED, source="guardrail")


async def _fail(opened: Resources, job: Job, turn: Turn, window: Window, error: Exception) -> None:
    """When nothing is tried any more, a person is asked for: the message never vanishes."""
    if isinstance(error, Temporary) and jobs.wait_after(job, error) is not None:
        return
    if not isinstance(error, SocialSyncError) and jobs.wait_after(job, error) is not None:
        return
    why = error.message if isinstance(error, SocialSyncError) else "SocialSync made a mistake."
    reason = f"No answer could be written. {why}"
    await _record(opened, job, turn, window, Decision("ESCALATE", reason, source="guardrail"))
