"""The JSON of conversations."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field, model_validator

from socialsync.api.schemas import Answer, Body
from socialsync.api.validation import refusal
from socialsync.features.messages.schemas import ContactOut

LONGEST_TEXT = 20_000


class ConversationOut(Answer):
    id: UUID
    channel_id: UUID
    contact: ContactOut
    mode: Literal["ai", "human"] = Field(description="Who has the floor.")
    taken_over_at: datetime | None
    taken_over_by: str | None = Field(description="`app`: somebody answered from the platform's own app.")
    handed_back_at: datetime | None
    needs_person_at: datetime | None = Field(description="Since when a person is waited for.")
    needs_person_why: str | None
    last_inbound_at: datetime | None
    last_message_at: datetime | None
    created_at: datetime


class NewTemplate(Body):
    name: str = Field(min_length=1, max_length=512)
    language: str = Field(min_length=2, max_length=10, examples=["en_US"])
    components: list[dict[str, Any]] = []


class NewMessage(Body):
    """A text, or on WhatsApp an approved template, which is delivered at any time."""

    text: str | None = Field(None, min_length=1, max_length=LONGEST_TEXT)
    template: NewTemplate | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> "NewMessage":
        if (self.text is None) == (self.template is None):
            raise refusal(
                "needs either text or template", fix='Write {"text": "Good morning!"}, for example.'
            )
        return self
