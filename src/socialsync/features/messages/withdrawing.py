"""An intent to send is taken back on which nobody acted: see ``db.patience``."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.features.messages import outbox
from socialsync.queue import deferring

_WITHDRAW = text("""
with back as (
    update outbox mine set sending_at = null
    where workspace_id = :workspace_id and id = :id and sending_at = :intended_at and finished_at is null
        and not exists (
            select from outbox later where later.workspace_id = :workspace_id
                and later.conversation_id = mine.conversation_id and later.position > mine.position
                and later.sending_at is not null)
    returning message_id, settle_job_id
), told as (
    update messages set status = 'queued'
    where workspace_id = :workspace_id and id in (select message_id from back) and status = 'sending'
)
select settle_job_id from back
""")


async def withdraw(
    session: AsyncSession, workspace_id: UUID, waiting: outbox.Waiting, *, intended_at: datetime
) -> None:
    """The intent of then, should it stand: nobody has acted on it. It stays in doubt when a later message is
    on its way already, which it would follow otherwise.
    """
    await outbox.lock_conversation(session, workspace_id, waiting.conversation_id)
    values = {"workspace_id": workspace_id, "id": waiting.id, "intended_at": intended_at}
    job_id = await session.scalar(_WITHDRAW, values)
    if job_id is not None:
        await deferring.cancel_waiting(session, job_id)
        await outbox.wake(session, workspace_id, waiting.conversation_id, at=intended_at)
