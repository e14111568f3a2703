"""Escalations as JSON."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from socialsync.api.schemas import Answer, Body
from socialsync.features.escalations.service import Subject
from socialsync.features.escalations.urgency import Urgency

Status = Literal["open", "claimed", "resolved"]
Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)]


class Resolution(Body):
    note: Note | None = Field(None, examples=["Called her, the order is on its way."])


class MailOut(Answer):
    """The last mail that told of it."""

    id: UUID
    kind: Literal["news", "reminder"]
    recipient: str
    status: Literal["queued", "sending", "sent", "failed", "unknown", "logged"] = Field(
        description="`sent`: the mail server has taken it. `unknown`: its answer was lost twice."
        " `logged`: SMTP_URL is not set."
    )
    attempts: int
    error: str | None = Field(
        description="Why it is not sent, in the server's own words.",
        examples=["The mail server refused it: 550 5.1.1 No such user"],
    )
    sent_at: datetime | None


class EscalationOut(Answer):
    id: UUID
    channel_id: UUID | None
    subject: Subject
    subject_id: UUID = Field(description="The conversation, the comment or the content.")
    urgency: Urgency
    reason: str = Field(examples=["A person was asked for."])
    rule: str | None
    excerpt: str | None = Field(description="What was written.")
    link: str | None = Field(description="Where it is to be seen: a URL, or a path of this installation.")
    status: Status
    due_at: datetime = Field(
        description="Until when somebody should have claimed it; then it is mailed again."
    )
    claimed_at: datetime | None
    claimed_by: str | None
    resolved_at: datetime | None
    resolved_by: str | None
    note: str | None
    mail: MailOut | None
    mail_waits_for: str | None = Field(description="Why nobody is told by mail.")
    reminded_at: datetime | None
    created_at: datetime
    updated_at: datetime
