"""The verbs of escalations. Each takes a session, never commits and never touches the network."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.db import audit
from socialsync.errors import Conflict, NotFound
from socialsync.features.escalations import mails, queries, urgency
from socialsync.features.escalations.mails import remind, requeue_stranded
from socialsync.features.escalations.models import Escalation, EscalationMail
from socialsync.features.escalations.queries import list_escalations
from socialsync.features.escalations.urgency import Urgency, of_judgement

Subject = Literal["conversation", "comment", "content"]

LONGEST_EXCERPT = 500
NO_CHANNEL = "It belongs to no channel, and only channels have an escalation_email."

__all__ = [
    "Escalation",
    "EscalationMail",
    "Subject",
    "Urgency",
    "list_escalations",
    "of_judgement",
    "remind",
    "requeue_stranded",
]


class AlreadyClaimed(Conflict):
    """Somebody else looks after it."""


class AlreadyResolved(Conflict):
    """Nothing is left to do."""


class StillOpen(Conflict):
    """It was not resolved and nobody has claimed it; or another one about the same is."""


async def open(  # noqa: A001 - the verb of the room, always called as service.open
    session: AsyncSession,
    *,
    workspace_id: UUID,
    channel_id: UUID | None,
    subject: Subject,
    subject_id: UUID,
    urgency: Urgency,
    reason: str,
    rule: str | None = None,
    excerpt: str | None = None,
    link: str | None = None,
    now: datetime,
) -> UUID:
    """A person must see this: the id of its escalation, and a mail will tell of it. What is not resolved yet
    stays one, which becomes more urgent when this is, and is told again then.

    Args:
        session: of the workspace, or of the system.
        channel_id: whose ``escalation_email`` is told; without one nobody is.
        reason: a sentence for a person.
        rule: what decided so, by its short name.
        excerpt: what was written.
        link: where a person sees it: a URL, or a path below ``SOCIALSYNC_PUBLIC_URL``. None: the escalation.
    """
    values = {
        "workspace_id": workspace_id,
        "channel_id": channel_id,
        "subject": subject,
        "subject_id": subject_id,
        "urgency": urgency,
        "reason": reason,
        "rule": rule,
        "excerpt": _shortened(excerpt),
        "link": link,
        "due_at": _due_at(urgency, now),
        "mail_waits_for": NO_CHANNEL if channel_id is None else None,
        "ranks": _RANKS,
        "now": now,
    }
    escalation_id, is_news = await queries.add(session, values)
    if is_news and channel_id is not None:
        await _tell_soon(session, workspace_id, channel_id, now=now)
    return escalation_id


async def get_escalation(session: AsyncSession, escalation_id: UUID) -> Escalation:
    """Raises NotFound."""
    return _there(await queries.find(session, escalation_id))


async def mails_of(session: AsyncSession, rows: Sequence[Escalation]) -> Mapping[UUID, EscalationMail]:
    """The last mail that held each, by the mail's id."""
    ids = {row.mail_id for row in rows if row.mail_id is not None}
    return {mail.id: mail for mail in await mails.list_by_ids(session, sorted(ids))}


async def claim(session: AsyncSession, escalation_id: UUID, *, by: str, now: datetime) -> Escalation:
    """Somebody looks after it: no reminders. One that they have claimed already stays as it is.

    Raises:
        NotFound.
        AlreadyClaimed: by somebody else.
        AlreadyResolved.
    """
    row = _there(await queries.lock(session, escalation_id))
    _check_unresolved(row)
    if row.status == "claimed" and row.claimed_by == by:
        return row
    if row.status == "claimed":
        raise AlreadyClaimed(
            f"{row.claimed_by} has claimed it.", fix="Leave it to them, or reopen it and claim it then."
        )
    values = {"status": "claimed", "claimed_at": now, "claimed_by": by}
    return await _change(session, row, "claimed", values, by=by, now=now)


async def resolve(
    session: AsyncSession, escalation_id: UUID, *, by: str, note: str | None, now: datetime
) -> Escalation:
    """It is done, whoever has claimed it.

    Raises:
        NotFound, AlreadyResolved.
    """
    row = _there(await queries.lock(session, escalation_id))
    _check_unresolved(row)
    values = {"status": "resolved", "resolved_at": now, "resolved_by": by, "note": note}
    return await _change(session, row, "resolved", values, by=by, now=now)


async def reopen(session: AsyncSession, escalation_id: UUID, *, by: str, now: datetime) -> Escalation:
    """It is not done, and nobody looks after it: due anew from now on.

    Raises:
        NotFound.
        StillOpen: it is open, or there is another one about the same by now.
    """
    row = _there(await queries.lock(session, escalation_id))
    if row.status == "open":
        raise StillOpen(
            "It is open.", fix="Nothing is to be done; POST .../claim says that you look after it."
        )
    if row.status == "resolved" and (other := await queries.find_unresolved(session, row)) is not None:
        raise StillOpen(
            "Another escalation about the same is not resolved.", fix=f"See /api/v1/escalations/{other}."
        )
    values = {
        **dict.fromkeys(("claimed_at", "claimed_by", "resolved_at", "resolved_by", "note", "reminded_at")),
        "status": "open",
        "due_at": _due_at(row.urgency, now),
    }
    row = await _change(session, row, "reopened", values, by=by, now=now)
    if row.mail_id is None and row.channel_id is not None:
        await _tell_soon(session, row.workspace_id, row.channel_id, now=now)
    return row


async def claim_of(
    session: AsyncSession, workspace_id: UUID, subject: Subject, subject_id: UUID, *, by: str, now: datetime
) -> None:
    """Whoever looks after the subject looks after what is open of it."""
    await queries.claim_of(session, _subject(workspace_id, subject, subject_id), by=by, now=now)


async def resolve_of(
    session: AsyncSession,
    workspace_id: UUID,
    subject: Subject,
    subject_id: UUID,
    *,
    by: str,
    note: str | None = None,
    now: datetime,
) -> None:
    """Whatever was to be seen of the subject is done."""
    about = _subject(workspace_id, subject, subject_id)
    await queries.resolve_of(session, about, by=by, note=note, now=now)


async def give_back_of(
    session: AsyncSession, workspace_id: UUID, subject: Subject, subject_id: UUID, *, by: str, now: datetime
) -> None:
    """They do not look after it after all."""
    about = _subject(workspace_id, subject, subject_id)
    channel_id = await queries.give_back_of(session, about, by=by, now=now)
    if channel_id is not None:
        await _tell_soon(session, workspace_id, channel_id, now=now)


_RANKS = list(urgency.RANKS)
_due_at = urgency.due_at


async def _tell_soon(session: AsyncSession, workspace_id: UUID, channel_id: UUID, *, now: datetime) -> None:
    at = await mails.next_at(session, workspace_id, channel_id, now=now)
    await mails.wake(session, workspace_id, channel_id, at=at)


async def _change(
    session: AsyncSession, row: Escalation, verb: str, values: Mapping[str, Any], *, by: str, now: datetime
) -> Escalation:
    await audit.record(
        session,
        actor=by,
        action=f"escalations.{verb}",
        subject=f"escalation:{row.id}",
        workspace_id=row.workspace_id,
    )
    return await queries.change(session, row.id, values, now=now)


def _subject(workspace_id: UUID, subject: Subject, subject_id: UUID) -> dict[str, Any]:
    return {"workspace_id": workspace_id, "subject": subject, "subject_id": subject_id}


def _shortened(text: str | None) -> str | None:
    if text is None or not text.strip():
        return None
    return text if len(text) <= LONGEST_EXCERPT else f"{text[: LONGEST_EXCERPT - 1]}\u2026"


def _check_unresolved(row: Escalation) -> None:
    if row.status == "resolved":
        raise AlreadyResolved(
            f"{row.resolved_by} has resolved it.", fix="POST .../reopen, if something is left to do."
        )


def _there(row: Escalation | None) -> Escalation:
    if row is None:
        raise NotFound(
            "There is no such escalation in this workspace.", fix="GET /api/v1/escalations lists them."
        )
    return row
