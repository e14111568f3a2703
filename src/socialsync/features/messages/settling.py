"""What becomes of a message whose answer was lost: what the platform told meanwhile, else ``unknown``."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.errors import Conflict, NotFound
from socialsync.features.messages import handover, outbox, queries
from socialsync.features.messages.models import Message

UNCLEAR = (
    "Whether it arrived is not known: the platform's answer was lost, and it has told nothing since. Ask the"
    " person, or look at the platform, and say what happened; it is not sent again by itself."
)


class NotInDoubt(Conflict):
    """What became of the message is known."""


async def settle(session: AsyncSession, workspace_id: UUID, message_id: UUID, *, now: datetime) -> str:
    """The message's status from now on; ``sending`` while there is hope to hear of it."""
    row = await outbox.lock_doubtful(session, workspace_id, message_id)
    if row is None:
        return "gone"
    if row["finished_at"] is not None or row["sending_at"] is None:
        return str(row["status"])
    if now - row["sending_at"] < outbox.SETTLE_AFTER:
        return "sending"
    await outbox.finish(session, workspace_id, row["id"], "unknown", error=UNCLEAR, now=now)
    await handover.ask_for_person(
        session, row["conversation_id"], "Whether a message arrived is not known.", now=now
    )
    return "unknown"


async def resolve(
    session: AsyncSession, message_id: UUID, *, happened: bool, platform_id: str | None, now: datetime
) -> Message:
    """A person says what became of an ``unknown`` message.

    Raises:
        NotFound, NotInDoubt.
    """
    message = await queries.lock_message(session, message_id)
    if message is None:
        raise NotFound("There is no such message in this workspace.")
    if message.status != "unknown":
        raise NotInDoubt("What became of this message is known.", fix="Look at its status.")
    values: dict[str, Any] = {"status": "sent", "error": None}
    if happened and platform_id:
        values["platform_message_id"] = platform_id
    if not happened:
        values = {"status": "failed", "error": "A person says that it did not arrive."}
    return await queries.update_message(session, message_id, values, now=now)
