"""The JSON of people and messages."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field, model_validator

from socialsync.api.schemas import Answer, Body, Flag
from socialsync.api.validation import refusal

LONGEST_ID = 300


class ContactOut(Answer):
    id: UUID
    channel_id: UUID
    user_id: str | None = Field(description="The platform's own id of the person, valid for this account.")
    phone: str | None
    name: str | None
    username: str | None
    created_at: datetime
    updated_at: datetime


class FileOut(Answer):
    id: UUID
    kind: str
    mime_type: str | None
    file_name: str | None
    size: int | None
    status: str = Field(
        description="`pending` until it was fetched; `stored`: GET /api/v1/media/{id} has it."
    )
    error: str | None


class ReactionOut(Answer):
    direction: str = Field(description="`inbound`: the person's, `outbound`: ours.")
    emoji: str
    told_at: datetime


class MessageOut(Answer):
    id: UUID
    conversation_id: UUID
    platform_message_id: str | None
    direction: Literal["inbound", "outbound"]
    author: str = Field(
        description="`customer`, `ai`, `operator`, `app` (a person, in the app) or `template`."
    )
    kind: str
    text: str | None
    detail: dict[str, Any]
    reply_to: str | None = Field(description="The platform's id of the message that it answers.")
    status: str
    error: str | None
    told_at: datetime = Field(description="The platform's time of it; ours of what we send.")
    edited_at: datetime | None
    deleted_at: datetime | None
    created_at: datetime
    files: list[FileOut] = []
    reactions: list[ReactionOut] = []


class MessageResolution(Body):
    """Either what happened, or a wish to ask the platform again."""

    outcome: Literal["happened", "did_not_happen"] | None = None
    platform_id: str | None = Field(None, min_length=1, max_length=LONGEST_ID)
    check: Flag = False

    @model_validator(mode="after")
    def _one_of_them(self) -> "MessageResolution":
        if (self.outcome is None) != self.check:
            raise refusal("needs either outcome or check", fix='Write {"outcome": "happened"}, for example.')
        return self
