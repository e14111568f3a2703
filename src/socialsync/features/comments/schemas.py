"""The JSON of comments."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from socialsync.api.schemas import Answer, Body
from socialsync.features.decisions.service import Source, Verdict

Triage = Literal["pending", "respond", "ignore", "escalate"]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_200)]


class DecisionBody(Body):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"decision": "RESPOND", "reply": "We open at nine."}]}
    )

    decision: Verdict
    reply: Words | None = Field(
        None, description="With RESPOND: the words. Without them the AI finds some in the knowledge."
    )


class ReplyOut(Answer):
    """``unknown``: the platform's answer was lost and it could not be seen; look below the comment."""

    id: UUID
    kind: Literal["public", "private"]
    author: Literal["ai", "person"]
    text: str
    status: Literal["queued", "sending", "sent", "failed", "unknown", "cancelled"]
    platform_reply_id: str | None
    sent_at: datetime | None
    error: str | None
    created_at: datetime


class WhyOut(Answer):
    """What the AI decided, and why. A person's word stands in ``overruled_to``."""

    id: UUID
    decision: Verdict
    reason: str
    source: Source
    rule: str | None
    confidence: float | None


class CommentOut(Answer):
    id: UUID
    channel_id: UUID
    post_id: UUID | None = Field(description="Null for media that SocialSync does not know.")
    media_id: str | None
    platform_comment_id: str
    parent_id: str | None = Field(description="The platform's id of the comment that it answers.")
    text: str
    author_id: str | None
    username: str | None
    own: bool = Field(description="The business itself wrote it.")
    said_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None
    hidden: bool
    triage: Triage
    ai_decision_id: UUID | None
    decision: WhyOut | None = Field(None, description="The decision of that id.")
    overruled_to: Verdict | None
    overruled_at: datetime | None
    overruled_by: str | None
    error: str | None = Field(description="Why something waits or came to nothing.")
    replies: list[ReplyOut] = Field(default_factory=list, description="What SocialSync answered.")
    created_at: datetime
    updated_at: datetime


class ImportOut(Answer):
    job_id: int = Field(description="GET /api/v1/jobs/{id} tells how many are watched now.")
