"""From a mail whose intent is committed to what becomes of it. No transaction is open while the network is.

A mail without an answer is handed in a second time, under the same Message-ID: docs/decisions/0015.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from email.utils import parseaddr
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import clock, telemetry
from socialsync.db import patience
from socialsync.features.escalations import collecting, mails, smtp, wording
from socialsync.features.escalations.collecting import MOST_DOUBTS, UNCLEAR, Errand
from socialsync.features.escalations.smtp import MailInDoubt, MailPostponed, MailRefused
from socialsync.queue import jobs
from socialsync.queue.jobs import Job
from socialsync.queue.policies import POLICIES, Wait
from socialsync.resources import Resources

log = telemetry.get_logger(__name__)

AFTER_DOUBT = timedelta(minutes=1)


class MailGivenUp(MailRefused):
    """It was tried as often as the policy says."""


async def notify(opened: Resources, job: Job, workspace_id: UUID, channel_id: UUID) -> dict[str, str]:
    """Mail what the channel's people do not know yet.

    Raises:
        Wait: in a moment.
        JobLost: another worker has the job.
        MailPostponed: the policy tries again.
        MailRefused, MailInDoubt: it is given up.
    """
    async with opened.database.transaction(workspace_id) as session:
        await jobs.still_mine(session, job)
        begun = await collecting.begin(
            session, opened.settings.public_url, workspace_id, channel_id, now=clock.now()
        )
    if isinstance(begun, Wait):
        raise begun
    if isinstance(begun, str):
        return {"channel_id": str(channel_id), "status": begun}
    told = wording.subject(begun.letter)
    ids = {"channel_id": str(channel_id), "mail_id": str(begun.letter.id)}
    if opened.settings.smtp_url is None:
        log.warning(f"[ESCALATE] {told}", link=begun.letter.told[0].url, **ids)
        await _end(opened, begun, "logged", None)
        return {**ids, "status": "logged"}
    answer = await _send(opened, begun, smtp.server_of(opened.settings.smtp_url.get_secret_value()))
    log.info(f"[ESCALATE] Mailed: {told}", answer=answer, **ids)
    return {**ids, "status": "sent"}


async def _send(opened: Resources, errand: Errand, server: smtp.Server) -> str:
    """The server's answer; and what became of the mail is stored."""
    sender, mail_id = opened.settings.mail_from, errand.letter.id
    try:
        mail = wording.compose(errand.letter, sender=sender, recipient=errand.recipient)
        answer = await smtp.deliver(server, mail, sender=parseaddr(sender)[1], recipient=errand.recipient)
    except MailPostponed as postponed:
        raise await _postpone(opened, errand, postponed) from None
    except MailInDoubt as lost:
        raise await _doubt(opened, errand, lost) from None
    except MailRefused as refused:
        await _end(opened, errand, "failed", refused.message)
        raise
    await _store(
        opened, errand, lambda session: mails.sent(session, errand.workspace_id, mail_id, now=clock.now())
    )
    return answer


async def _postpone(opened: Resources, errand: Errand, postponed: MailPostponed) -> Exception:
    """The row counts the attempts: a job may be the successor of another."""
    wait = POLICIES["idempotent"].wait_after(postponed, errand.attempts - 1)
    if wait is None:
        why = f"{postponed.message} It was tried {errand.attempts} times."
        await _end(opened, errand, "failed", why)
        return MailGivenUp(why)
    await _take_back(opened, errand, postponed.message, wait)
    return MailPostponed(postponed.message, retry_after=wait)


async def _doubt(opened: Resources, errand: Errand, lost: MailInDoubt) -> Exception:
    if errand.doubts + 1 >= MOST_DOUBTS:
        await _end(opened, errand, "unknown", f"{UNCLEAR} {lost.message}")
        return lost
    await _take_back(opened, errand, lost.message, AFTER_DOUBT, doubtful=True)
    return Wait(AFTER_DOUBT)


async def _take_back(
    opened: Resources, errand: Errand, why: str, wait: timedelta, *, doubtful: bool = False
) -> None:
    now = clock.now()
    await _store(
        opened,
        errand,
        lambda session: mails.take_back(
            session,
            errand.workspace_id,
            errand.letter.id,
            error=why,
            not_before=now + wait,
            doubtful=doubtful,
            now=now,
        ),
    )


async def _end(opened: Resources, errand: Errand, status: str, why: str | None) -> None:
    now = clock.now()
    await _store(
        opened,
        errand,
        lambda session: mails.end(session, errand.workspace_id, errand.letter.id, status, error=why, now=now),
    )


async def _store(
    opened: Resources, errand: Errand, record: Callable[[AsyncSession], Awaitable[None]]
) -> None:
    """Patiently while Postgres is away. Should all tries fail, the mail is in doubt."""
    await patience.store(opened.database, errand.workspace_id, record)
