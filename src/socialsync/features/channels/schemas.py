"""The JSON of a channel. The access token goes in and never comes out."""

import re
from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, SecretStr, StringConstraints

from socialsync.api.schemas import Answer, Body, Changes, Flag, Name, Number
from socialsync.api.validation import refusal
from socialsync.features.accounts.schemas import HOURS, Hours, Tone

_EMAIL = re.compile(r"[^@\s<>,;:()\[\]\\\"]+@([^@\s<>,;:()\[\]\\\".]+\.)*[^@\s<>,;:()\[\]\\\".]+")
_TOKEN = re.compile(r"[!-~]{1,4096}")


def _plausible_email(value: str) -> str:
    if not _EMAIL.fullmatch(value):
        raise refusal("is not an email address", fix="Write a bare address, e.g. support@example.com.")
    return value


def _token(value: SecretStr) -> SecretStr:
    if not _TOKEN.fullmatch(value.get_secret_value()):
        raise refusal(
            "is not an access token: 1 to 4,096 printable characters without blanks",
            fix="Copy the token again, without anything around it.",
        )
    return value


Platform = Literal["whatsapp", "instagram"]
ExternalId = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9_-]+$")]
Email = Annotated[str, StringConstraints(max_length=254), AfterValidator(_plausible_email)]
Token = Annotated[SecretStr, AfterValidator(_token)]
_SECONDS = "Seconds of silence after which a burst of messages is answered."
_MOST_SECONDS = "Seconds after which a burst is answered in any case; 3,600 at most."

_HIDES = "Whether a comment that is ignored is hidden: nobody but its author sees it then."
_PRIVATELY = "Whether a comment is answered by a private message to its author instead of a public reply."
_LANGUAGES = "BCP 47 tags of what is spoken here, the preferred one first. Null: the workspace's."
_TONE = "How answers sound. Null: as the workspace says."
_HOURS = (
    "When people are there: weekday to spans of local time in the workspace's time zone; a missing day is a"
    " day off, and `{}` is always. Null: the workspace's."
)


class NewChannel(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "platform": "whatsapp",
                    "name": "Front desk",
                    "external_id": "106540352242922",
                    "access_token": "EAAGm0PX4ZCpsBA",
                }
            ]
        }
    )

    platform: Platform
    name: Name = Field(examples=["Front desk"])
    external_id: ExternalId = Field(
        description="The WhatsApp phone number id, or the Instagram user id.", examples=["106540352242922"]
    )
    access_token: Token = Field(description="Stored encrypted; it never comes back.")
    ai_enabled_for_chats: Flag = True
    ai_enabled_for_comments: Flag = True
    hide_ignored_comments: Flag = Field(False, description=_HIDES)
    reply_privately: Flag = Field(False, description=_PRIVATELY)
    escalation_email: Email | None = Field(None, examples=["support@example.com"])
    buffer_quiet_s: Number = Field(5.0, description=_SECONDS)
    buffer_max_s: Number = Field(20.0, description=_MOST_SECONDS)
    languages: list[str] | None = Field(None, description=_LANGUAGES, examples=[["fr", "en"]])
    tone: Tone | None = Field(None, description=_TONE, examples=["friendly"])
    business_hours: Hours | None = Field(None, description=_HOURS, examples=[HOURS])


class ChannelChanges(Changes):
    clearable: ClassVar[frozenset[str]] = frozenset(
        {"escalation_email", "languages", "tone", "business_hours"}
    )
    model_config = ConfigDict(json_schema_extra={"examples": [{"ai_enabled_for_comments": False}]})

    name: Name = ""
    access_token: Token = Field(
        SecretStr(""),
        description="A new token makes the channel active again; posts that waited for it go on.",
    )
    ai_enabled_for_chats: Flag = True
    ai_enabled_for_comments: Flag = True
    hide_ignored_comments: Flag = Field(False, description=_HIDES)
    reply_privately: Flag = Field(False, description=_PRIVATELY)
    escalation_email: Email | None = Field(None, examples=["support@example.com"])
    buffer_quiet_s: Number = Field(5.0, description=_SECONDS)
    buffer_max_s: Number = Field(20.0, description=_MOST_SECONDS)
    languages: list[str] | None = Field(None, description=_LANGUAGES, examples=[["fr", "en"]])
    tone: Tone | None = Field(None, description=_TONE, examples=["friendly"])
    business_hours: Hours | None = Field(None, description=_HOURS, examples=[HOURS])


class ChannelOut(Answer):
    id: UUID
    platform: Platform
    name: str = Field(examples=["Front desk"])
    external_id: str = Field(examples=["106540352242922"])
    status: Literal["active", "needs_reauth"] = Field(
        description="`needs_reauth`: the platform no longer takes the token, and posts wait; PATCH a new one."
    )
    status_reason: str | None = Field(
        description="Why the channel needs a new token, and what to do.",
        examples=["The account's password changed, which ended the channel's access token."],
    )
    paused_at: datetime | None = Field(
        description="Since when its posts wait, because somebody paused it; null when it is not paused."
    )
    token_expires_at: datetime | None = Field(
        description="When the access token ends at the latest; null where nobody knows. Instagram's are"
        " renewed before that, by themselves."
    )
    missed_since: datetime | None = Field(
        description="Since when Instagram may have told what nobody heard, which is being pulled; null when"
        " nothing is missed. WhatsApp tells nothing a second time."
    )
    caught_up_at: datetime | None = Field(description="Until when that was pulled the last time.")
    ai_enabled_for_chats: bool
    ai_enabled_for_comments: bool
    hide_ignored_comments: bool = Field(description=_HIDES)
    reply_privately: bool = Field(description=_PRIVATELY)
    escalation_email: str | None
    buffer_quiet_s: float
    buffer_max_s: float
    languages: list[str] | None = Field(description=_LANGUAGES, examples=[["fr", "en"]])
    tone: str | None = Field(description=_TONE, examples=["friendly"])
    business_hours: Hours | None = Field(description=_HOURS, examples=[HOURS])
    created_at: datetime
    updated_at: datetime
