"""The JSON shapes of posts."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import (
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from typing_extensions import override

from socialsync.api.schemas import Answer, AwareTime, Body, Changes, Flag
from socialsync.api.validation import entries, refusal
from socialsync.errors import Invalid
from socialsync.features.posts.bulk import Misshapen
from socialsync.features.posts.lifecycle import Status

LONGEST_SHIFT_S = 3_660 * 86_400
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
        description="Public URLs that the platform fetches itself: on Instagram up to 10 JPEG images, or one"
        " MP4 or MOV video; on WhatsApp one file.",
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
MediaType = Annotated[
    Literal["image", "carousel", "reel", "story", "video", "audio", "document"],
    Field(
        description="Instagram: `image`, `carousel`, `reel` or `story`; WhatsApp: `image`, `video`, `audio`"
        " or `document`. Left out, the media tell; a `story` must be named.",
        examples=["image"],
    ),
]
AltTexts = Annotated[
    list[Annotated[str, Field(max_length=1_000)]],
    Field(
        max_length=10,
        description="What each image shows, for people who cannot see it, in the order of `media_urls`.",
        examples=[["The sun above a calm bay"]],
    ),
]
Recurrence = Annotated[
    str,
    Field(
        min_length=1,
        max_length=1_000,
        description="An RFC 5545 RRULE. The first occurrence is `publish_at`, the others have its time of day"
        " in `timezone`, whatever the clocks do. Each occurrence is a post of its own; the next one is made"
        " when one is published.",
        examples=["FREQ=WEEKLY;BYDAY=MO,FR"],
    ),
]
Timezone = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        description="The IANA zone in which it recurs; by default the workspace's.",
        examples=["Europe/Paris"],
    ),
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
    {
        "channel_id": "3fa85f64-5717-4562-b3fc-2c963f66afa6",
        "text": "Fresh bread, every Monday and Friday",
        "media_urls": ["https://example.com/bread.jpg"],
        "alt_texts": ["Two loaves on a board"],
        "publish_at": "2026-03-06T07:30:00+01:00",
        "recurrence": "FREQ=WEEKLY;BYDAY=MO,FR",
        "timezone": "Europe/Paris",
    },
]
"""For Instagram, for WhatsApp, and for a series; a post of the documentation page needs only its channel
changed.
"""


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
    media_type: MediaType | None = None
    alt_texts: AltTexts = []
    publish_at: PublishAt | None = None
    recurrence: Recurrence | None = None
    timezone: Timezone | None = None
    status: Annotated[
        Literal["draft", "queued"] | None,
        Field(description="By default `queued` with a `publish_at` and `draft` without one."),
    ] = None


class PostChanges(Changes):
    """What to change; the rest stays. A `recurrence` begins anew at `publish_at`; null ends the series after
    this post. A `publish_at` alone moves this occurrence only.
    """

    clearable: ClassVar[frozenset[str]] = frozenset({"template", "publish_at", "media_type", "recurrence"})

    channel_id: UUID | None = None
    text: Text | None = None
    media_urls: MediaUrls | None = None
    recipients: Recipients | None = None
    template: TemplateBody | None = None
    media_type: MediaType | None = None
    alt_texts: AltTexts | None = None
    publish_at: PublishAt | None = None
    recurrence: Recurrence | None = None
    timezone: Timezone | None = None
    status: Literal["draft", "queued"] | None = None


def _post_or_problems(given: Any, check: ValidatorFunctionWrapHandler) -> Any:
    """What is wrong with one of many posts is told together with what is wrong with the others."""
    try:
        return check(given)
    except ValidationError as error:
        return Misshapen([_problem(each) for each in error.errors(include_url=False, include_input=False)])


def _problem(error: ErrorDetails) -> Invalid:
    if not error["loc"]:
        return Invalid("should be an object", fix='Write it like {"channel_id": "...", "text": "..."}.')
    (entry,) = entries([error], content_type="application/json")
    return Invalid(entry.problem, field=entry.field, fix=entry.fix)


class ManyPosts(Body):
    """Up to 10,000 posts. A bare list of them will do, and so will `items` in place of `posts`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"posts": EXAMPLES[:2]}]})

    posts: Annotated[
        list[Annotated[NewPost, WrapValidator(_post_or_problems)]], Field(min_length=1, max_length=10_000)
    ]

    @override
    @field_validator("*", mode="before")
    @classmethod
    def _refuse_what_cannot_be_stored(cls, value: Any) -> Any:
        return value  # each post does it for itself

    def each(self) -> list[dict[str, Any] | Misshapen]:
        """The posts in their order, and in the place of those that are none what is wrong with them."""
        there: list[NewPost | Misshapen] = [*self.posts]
        return [one if isinstance(one, Misshapen) else one.model_dump() for one in there]

    @model_validator(mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        if isinstance(given, list):
            return {"posts": given}
        if isinstance(given, dict) and given.keys() == {"items"}:
            return {"posts": given["items"]}
        return given


class ManyTimes(Body):
    """Another time for many posts: `publish_at` for all of them, or `shift_s` to move each by so much."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"ids": ["3fa85f64-5717-4562-b3fc-2c963f66afa6"], "shift_s": 3600}]}
    )

    ids: Annotated[list[UUID], Field(min_length=1, max_length=10_000)]
    publish_at: PublishAt | None = None
    shift_s: Annotated[
        int | None,
        Field(strict=True, ge=-LONGEST_SHIFT_S, le=LONGEST_SHIFT_S, description="Seconds; may be negative."),
    ] = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "ManyTimes":
        if (self.publish_at is None) == (self.shift_s is None):
            raise refusal(
                "is missing, or is there beside publish_at", fix="Give exactly one of the two.", at="shift_s"
            )
        return self


class Written(Answer):
    """One of many posts."""

    id: UUID
    status: Status
    publish_at: datetime | None


class ManyAnswer(Answer):
    """Many posts, in the order in which they were sent."""

    count: int
    items: list[Written]


class Resolution(Body):
    """What a person knows of a post that may have been published, or that the platform be asked again."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"outcome": "happened", "platform_id": "17900000000000001"}, {"check": True}]
        }
    )

    outcome: Annotated[
        Literal["happened", "did_not_happen"] | None,
        Field(description="`did_not_happen` lets it be published again."),
    ] = None
    platform_id: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=200,
            description="With `happened`: the platform's id of it, if you know it.",
        ),
    ] = None
    check: Annotated[Flag, Field(description="Ask the platform again, in place of an outcome.")] = False

    @model_validator(mode="after")
    def _one_of_both(self) -> "Resolution":
        if (self.outcome is None) != self.check:
            raise refusal(
                "is missing, or is there beside check",
                fix='Send {"outcome": "happened"}, {"outcome": "did_not_happen"} or {"check": true}.',
                at="outcome",
            )
        if self.platform_id is not None and self.outcome != "happened":
            raise refusal("goes with the outcome happened only", fix="Leave it out.", at="platform_id")
        return self


class Retry(Body):
    """Which messages of a broadcast are to be sent again."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"status": "failed"}, {"recipients": ["+33612345601"]}]}
    )

    status: Annotated[
        Literal["failed"],
        Field(description="Nothing else can be: an `unknown` message may have arrived."),
    ] = "failed"
    recipients: Annotated[
        list[str] | None,
        Field(
            min_length=1,
            max_length=10_000,
            description="Only to these; left out, to everybody to whom it failed and who did not opt out.",
            examples=[["+33612345601"]],
        ),
    ] = None


class NewOptOut(Body):
    """Somebody who wants no broadcasts of a WhatsApp channel any more."""

    channel_id: UUID
    recipient: Annotated[
        str,
        Field(
            pattern=r"^\+[1-9][0-9]{7,14}$",
            description="A phone number in E.164 form.",
            examples=["+33612345601"],
        ),
    ]
    reason: Annotated[str, Field(min_length=1, max_length=500, description="For people to read.")] = (
        "Added by hand."
    )


class OptOutAnswer(Answer):
    """Who gets no broadcasts of a channel, and why."""

    id: UUID
    channel_id: UUID
    recipient: str
    reason: str
    created_at: datetime
