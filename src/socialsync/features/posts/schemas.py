"""The JSON shapes of posts."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue

from socialsync.api.schemas import Answer, AwareTime, Body, Changes
from socialsync.features.posts.lifecycle import DeliveryStatus, Status

Text = Annotated[
    str,
    Field(
        max_length=10_000,
        description="The caption or message. Instagram takes 2,200 characters, WhatsApp 4,096.",
        examples=["Sunrise over the bay"],
    ),
]
MediaUrls = Annotated[
    list[str],
    Field(
        max_length=10,
        description="Public URLs that the platform fetches itself. Instagram needs one JPEG image.",
        examples=[["https://example.com/sunrise.jpg"]],
    ),
]
Recipients = Annotated[
    list[str],
    Field(
        max_length=10_000,
        description="WhatsApp only: phone numbers in E.164 form, each once.",
        examples=[[]],
    ),
]
PublishAt = Annotated[
    AwareTime, Field(description="When to publish: ISO 8601 with an offset; a past time means at once.")
]


EXAMPLES: list[JsonValue] = [
    {
        "channel_id": "3fa85f64-5717-4562-b3fc-2c963f66afa6",
        "text": "Sunrise over the bay",
        "media_urls": ["https://example.com/sunrise.jpg"],
        "publish_at": "2026-03-04T12:00:00+00:00",
    },
    {
        "channel_id": "3fa85f64-5717-4562-b3fc-2c963f66afa6",
        "text": "We open at nine.",
        "recipients": ["+33612345601"],
        "publish_at": "2026-03-04T12:00:00+00:00",
    },
]
"""For Instagram and for WhatsApp; a post of the documentation page needs only its channel changed."""


class TemplateBody(Body):
    """A message form that Meta approved, for WhatsApp outside the 24-hour window."""

    name: Annotated[str, Field(min_length=1, max_length=512)]
    language: Annotated[str, Field(min_length=2, max_length=20, examples=["en_US"])]
    components: list[dict[str, Any]] = []


class NewPost(Body):
    """What to publish, where and when."""

    model_config = ConfigDict(json_schema_extra={"examples": EXAMPLES})

    channel_id: UUID
    text: Text = ""
    media_urls: MediaUrls = []
    recipients: Recipients = []
    template: TemplateBody | None = None
    publish_at: PublishAt | None = None
    status: Annotated[
        Literal["draft", "queued"] | None,
        Field(description="By default `queued` with a `publish_at` and `draft` without one."),
    ] = None


class PostChanges(Changes):
    """What to change; the rest stays."""

    clearable: ClassVar[frozenset[str]] = frozenset({"template", "publish_at"})

    channel_id: UUID | None = None
    text: Text | None = None
    media_urls: MediaUrls | None = None
    recipients: Recipients | None = None
    template: TemplateBody | None = None
    publish_at: PublishAt | None = None
    status: Literal["draft", "queued"] | None = None


class PostAnswer(Answer):
    """A post as it is now. ``error`` says why the last attempt came to nothing, for a person to read."""

    id: UUID
    channel_id: UUID
    status: Status
    text: str
    media_urls: list[str]
    recipients: list[str]
    template: dict[str, Any] | None
    publish_at: datetime | None
    attempt: Annotated[int, Field(description="Attempts so far.")]
    platform_post_id: str | None
    error: str | None
    published_at: datetime | None
    next_check_at: datetime | None
    stop_at: datetime | None
    created_at: datetime
    updated_at: datetime


class RunAnswer(Answer):
    """One attempt to publish. ``effect_at``: from then on the platform may have seen it."""

    id: UUID
    post_id: UUID
    attempt: int
    status: Literal["running", "success", "failed", "unknown", "cancelled"]
    job_id: int | None
    started_at: datetime | None
    effect_at: datetime | None
    finished_at: datetime | None
    error: str | None


class DeliveryAnswer(Answer):
    """What one recipient got."""

    id: UUID
    recipient: str
    status: DeliveryStatus
    platform_message_id: str | None
    error: str | None
    updated_at: datetime
