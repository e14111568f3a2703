"""The JSON of a workspace."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from socialsync.api.schemas import Answer, Changes, Name

Tone = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Money = Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=2)]
Hours = dict[str, list[list[str]]]
HOURS = {"mon": [["09:00", "12:30"], ["14:00", "18:00"]], "tue": [["09:00", "18:00"]]}


class WorkspaceOut(Answer):
    id: UUID
    name: str = Field(examples=["Chez Nous"])
    timezone: str = Field(examples=["Europe/Paris"])
    languages: list[str] = Field(examples=[["fr", "en"]])
    tone: str = Field(examples=["friendly"])
    business_hours: Hours = Field(examples=[HOURS])
    ai_budget_usd_month: float | None = Field(examples=[25.0])
    created_at: datetime
    updated_at: datetime


class WorkspaceChanges(Changes):
    clearable: ClassVar[frozenset[str]] = frozenset({"ai_budget_usd_month"})
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"timezone": "Europe/Paris", "languages": ["fr", "en"]}]}
    )

    name: Name = Field("", description="1 to 200 characters.")
    timezone: str = Field("", description="An IANA name.", examples=["Europe/Paris"])
    languages: list[str] = Field([], description="BCP 47 tags, the preferred one first.")
    tone: Tone = Field("", description="How answers sound.", examples=["friendly"])
    business_hours: Hours = Field(
        {}, description="Weekday to spans of local time; a missing day is a day off.", examples=[HOURS]
    )
    ai_budget_usd_month: Money | None = Field(
        None, description="What the AI may cost a month, in US dollars; null: no limit."
    )
