"""The transaction in which a channel's next mail is put together and intended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.features.accounts import service as accounts
from socialsync.features.channels import service as channels
from socialsync.features.channels.service import Channel
from socialsync.features.escalations import mails, queries, urgency, wording
from socialsync.features.escalations.wording import Letter, Told
from socialsync.queue.policies import Wait

MOST_IN_ONE = 500
"""Escalations that one mail holds; what is beyond them is in the next."""
MOST_DOUBTS = 2
"""Attempts without an answer after which none is made: a mail is seen twice at most."""
LONGEST_WAIT = timedelta(minutes=2)
"""A longer wait goes back to the row."""
NO_ADDRESS = "The channel has no escalation_email."
DELETED = "The channel was deleted."
UNCLEAR = "Whether it arrived is not known: the mail server gave no answer, twice. It is not sent again."


@dataclass(frozen=True)
class Errand:
    """One mail on its way."""

    workspace_id: UUID
    recipient: str
    attempts: int
    doubts: int
    letter: Letter


async def begin(
    session: AsyncSession, public_url: str, workspace_id: UUID, channel_id: UUID, *, now: datetime
) -> Errand | Wait | str:
    """The channel's next mail with its intent, or why there is none now.

    Raises:
        NotFound: no such channel.
    """
    channel = await channels.get_channel_row(session, channel_id)
    mail = await _unfinished(session, channel, now=now)
    if mail is None:
        found = await _new(session, channel, now=now)
    elif mail.not_before is not None and mail.not_before > now:
        found = await _later(session, channel, mail.not_before, now=now)
    elif mail.status == "sending" or mail.doubts:
        found = await _once_more(session, channel, mail, now=now)
    else:
        found = await _again(session, channel, mail, now=now)
    if isinstance(found, str | Wait):
        return found
    letter = await _letter(session, public_url, channel, found)
    return Errand(workspace_id, found.recipient, found.attempts, found.doubts, letter)


async def _unfinished(session: AsyncSession, channel: Channel, *, now: datetime) -> Row[Any] | None:
    """The mail without an end yet. One that is ``sending`` was left so by a life that ended: a doubt, and the
    last one that there may be ends it.
    """
    mail = await mails.lock_unfinished(session, channel.workspace_id, channel.id)
    if mail is not None and mail.status == "sending" and mail.doubts + 1 >= MOST_DOUBTS:
        await mails.end(session, channel.workspace_id, mail.id, "unknown", error=UNCLEAR, now=now)
        return None
    return mail


async def _new(session: AsyncSession, channel: Channel, *, now: datetime) -> Row[Any] | Wait | str:
    untold = await _untold(session, channel, now=now)
    if not untold:
        return "nothing to tell"
    recipient = _address(channel)
    if recipient is None:
        return await _nobody(session, channel, now=now)
    at = await mails.next_at(session, channel.workspace_id, channel.id, now=now)
    if at > now:
        return await _later(session, channel, at, now=now)
    mail = await mails.add(
        session,
        channel.workspace_id,
        channel.id,
        kind="reminder" if all(untold.values()) else "news",
        recipient=recipient,
        ids=list(untold),
        now=now,
    )
    await queries.tell(session, channel.workspace_id, list(untold), mail.id, now=now)
    return mail


async def _once_more(session: AsyncSession, channel: Channel, mail: Row[Any], *, now: datetime) -> Row[Any]:
    """The server may have it: it is the very same mail, and what has come since is for the next."""
    found = await mails.resume(
        session, channel.workspace_id, mail.id, recipient=mail.recipient, ids=mail.escalation_ids, now=now
    )
    if await _untold(session, channel, now=now):
        at = await mails.next_at(session, channel.workspace_id, channel.id, now=now)
        await mails.wake(session, channel.workspace_id, channel.id, at=at)
    return found


async def _again(session: AsyncSession, channel: Channel, mail: Row[Any], *, now: datetime) -> Row[Any] | str:
    """Nothing of it has left: it takes along what has come since, and goes where mails go by now."""
    recipient = _address(channel)
    if recipient is None:
        why = _why_nobody(channel)
        await mails.end(session, channel.workspace_id, mail.id, "failed", error=why, now=now)
        return await _nobody(session, channel, now=now)
    untold = await _untold(session, channel, now=now)
    ids = list(dict.fromkeys([*mail.escalation_ids, *untold]))
    await queries.tell(session, channel.workspace_id, list(untold), mail.id, now=now)
    return await mails.resume(session, channel.workspace_id, mail.id, recipient=recipient, ids=ids, now=now)


async def _untold(session: AsyncSession, channel: Channel, *, now: datetime) -> dict[UUID, UUID | None]:
    found = await queries.lock_untold(
        session,
        channel.workspace_id,
        channel.id,
        ranks=urgency.RANKS,
        reminded_before=now - urgency.REMIND_EVERY,
        limit=MOST_IN_ONE,
        now=now,
    )
    if len(found) == MOST_IN_ONE:
        await mails.wake(session, channel.workspace_id, channel.id, at=now)
    return found


async def _later(session: AsyncSession, channel: Channel, at: datetime, *, now: datetime) -> Wait | str:
    if at - now <= LONGEST_WAIT:
        return Wait(at - now)
    await mails.wake(session, channel.workspace_id, channel.id, at=at)
    return "until its time"


async def _nobody(session: AsyncSession, channel: Channel, *, now: datetime) -> str:
    await queries.wait_for(session, channel.workspace_id, channel.id, _why_nobody(channel), now=now)
    return "no address"


def _address(channel: Channel) -> str | None:
    return channel.escalation_email if channel.status != "deleted" else None


def _why_nobody(channel: Channel) -> str:
    return DELETED if channel.status == "deleted" else NO_ADDRESS


async def _letter(session: AsyncSession, public_url: str, channel: Channel, mail: Row[Any]) -> Letter:
    workspace = await accounts.get_workspace(session, channel.workspace_id)
    zone = ZoneInfo(workspace.timezone)
    rows = sorted(
        await queries.list_by_ids(session, mail.escalation_ids),
        key=lambda row: urgency.RANKS.index(row.urgency),
        reverse=True,
    )
    told: Sequence[Told] = [
        Told(
            urgency=row.urgency,
            reason=row.reason,
            excerpt=row.excerpt,
            url=wording.url_of(public_url, row.link, row.id),
            due_at=row.due_at.astimezone(zone),
        )
        for row in rows
    ]
    return Letter(
        id=mail.id,
        kind=mail.kind,
        told=told,
        channel=channel.name,
        all_url=f"{public_url}/escalations?channel_id={channel.id}&status=open",
        written_at=mail.created_at,
    )
