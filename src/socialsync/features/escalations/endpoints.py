"""The doors to escalations."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import clock
from socialsync.api.opened import Opened
from socialsync.api.pages import Paged
from socialsync.api.principal import Operator, Reader
from socialsync.api.routing import Router
from socialsync.api.schemas import Page
from socialsync.features.escalations import service
from socialsync.features.escalations.schemas import EscalationOut, MailOut, Resolution, Status
from socialsync.features.escalations.service import Escalation, Subject
from socialsync.features.escalations.urgency import Urgency

router = Router(prefix="/api/v1/escalations", tags=["escalations"])


@router.get("", summary="List what a person must see")
async def list_escalations(  # noqa: PLR0917 - FastAPI calls by name
    caller: Reader,
    opened: Opened,
    paged: Paged,
    status: Status | None = None,
    subject: Subject | None = None,
    urgency: Urgency | None = None,
    channel_id: UUID | None = None,
    overdue: bool | None = None,
) -> Page[EscalationOut]:
    """Newest first. `overdue=true` shows those that nobody has claimed in time."""
    async with opened.database.transaction(caller.workspace_id) as session:
        rows = await service.list_escalations(
            session,
            before=paged.cursor,
            limit=paged.fetch,
            overdue=overdue,
            now=clock.now(),
            status=status,
            subject=subject,
            urgency=urgency,
            channel_id=channel_id,
        )
        shown = {each.id: each for each in await _shown(session, rows)}
    return paged.page(rows, lambda row: shown[row.id])


@router.get("/{escalation_id}", summary="See an escalation")
async def get_escalation(escalation_id: UUID, caller: Reader, opened: Opened) -> EscalationOut:
    async with opened.database.transaction(caller.workspace_id) as session:
        (shown,) = await _shown(session, [await service.get_escalation(session, escalation_id)])
    return shown


@router.post("/{escalation_id}/claim", summary="Say that you look after it")
async def claim_escalation(escalation_id: UUID, caller: Operator, opened: Opened) -> EscalationOut:
    """No reminder is sent any more. 409 when somebody else has claimed it, or it is resolved."""
    async with opened.database.transaction(caller.workspace_id) as session:
        row = await service.claim(session, escalation_id, by=caller.actor, now=clock.now())
        (shown,) = await _shown(session, [row])
    return shown


@router.post("/{escalation_id}/resolve", summary="Say that it is done")
async def resolve_escalation(
    escalation_id: UUID, caller: Operator, opened: Opened, body: Resolution | None = None
) -> EscalationOut:
    """Whoever has claimed it. 409 when it is resolved already."""
    note = body.note if body else None
    async with opened.database.transaction(caller.workspace_id) as session:
        row = await service.resolve(session, escalation_id, by=caller.actor, note=note, now=clock.now())
        (shown,) = await _shown(session, [row])
    return shown


@router.post("/{escalation_id}/reopen", summary="Say that it is not done")
async def reopen_escalation(escalation_id: UUID, caller: Operator, opened: Opened) -> EscalationOut:
    """Nobody looks after it then, and it is due anew. 409 when it is open, or another one about the same is
    not resolved.
    """
    async with opened.database.transaction(caller.workspace_id) as session:
        row = await service.reopen(session, escalation_id, by=caller.actor, now=clock.now())
        (shown,) = await _shown(session, [row])
    return shown


async def _shown(session: AsyncSession, rows: Sequence[Escalation]) -> list[EscalationOut]:
    mails = await service.mails_of(session, rows)
    fields = EscalationOut.model_fields.keys() - {"mail"}
    return [
        EscalationOut(
            **{name: getattr(row, name) for name in fields},
            mail=MailOut.model_validate(mails[row.mail_id]) if row.mail_id else None,
        )
        for row in rows
    ]
