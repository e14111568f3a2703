"""What every JSON shape has in common: nothing unknown, nothing that Postgres cannot store, no naive time."""

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Generic, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    Strict,
    StringConstraints,
    ValidationInfo,
    field_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from typing_extensions import override

from socialsync.api.validation import LONGEST_NAME, refusal

DEEPEST = 50
"""Levels of nesting that free-form JSON may have."""
YEARS = range(1900, 9000)
"""Leaves room for every time zone on both ends of what Python and Postgres can say."""
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d.*")
_EXAMPLE = "2026-03-04T12:00:00+00:00"

Item = TypeVar("Item")
_Place = tuple[str | int, ...]
"""The way to a value inside a field."""


def _iso_text(value: Any) -> Any:
    """Pydantic would also take numbers, as seconds since 1970."""
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise refusal("is not a time", fix=f"Write an ISO 8601 time with its offset, e.g. {_EXAMPLE}.")
    return value


def _in_utc(value: datetime) -> datetime:
    if value.year not in YEARS:
        raise refusal(f"is not within the years {YEARS.start} to {YEARS.stop - 1}")
    return value.astimezone(UTC)


AwareTime = Annotated[
    AwareDatetime,
    BeforeValidator(_iso_text, json_schema_input_type=str),
    AfterValidator(_in_utc),
    Field(examples=[_EXAMPLE]),
]
"""An ISO 8601 time with an offset, in UTC from here on; a naive one is refused."""
Flag = Annotated[bool, Strict()]
"""``true`` or ``false``, and not ``"yes"`` or ``1``."""
Number = Annotated[float, Strict()]
"""A JSON number, finite."""
RowNumber = Annotated[int, Field(ge=1, le=2**63 - 1)]
"""An id that is a bigint, as jobs and workers have."""
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Body(BaseModel):
    """What a caller sends. Its errors don't repeat what was sent: it may be a secret."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_what_cannot_be_stored(cls, value: Any) -> Any:
        for problem, at in _flaws(value):
            raise refusal(problem, at=at)
        return value


class Changes(Body):
    """The body of a PATCH: what is left out stays as it is."""

    clearable: ClassVar[frozenset[str]] = frozenset()
    """Fields that may be null; the others cannot be taken away."""

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_null(cls, value: Any, info: ValidationInfo) -> Any:
        if value is None and info.field_name not in cls.clearable:
            raise refusal("must not be null", fix="Leave it out to keep it as it is.")
        return value

    @override
    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        described = handler.resolve_ref_schema(handler(schema))
        for field in described["properties"].values():
            field.pop("default", None)  # stands for "as it is", not for a value
        return described

    def given(self) -> dict[str, Any]:
        """The fields that the caller wrote, with their values."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class Answer(BaseModel):
    """What we send, read from a row's attributes."""

    model_config = ConfigDict(from_attributes=True)


class Page(Answer, Generic[Item]):
    """Some of a list, and how to get the next ones."""

    items: list[Item]
    next_cursor: str | None = Field(
        description="Give it back as `cursor` for the next page; null on the last one."
    )

    @override
    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        name: str = params[0].__name__
        return f"{name}Page"


def storable(text: str) -> str:
    """For texts outside of bodies, e.g. in the query: ``Annotated[str, AfterValidator(storable)]``."""
    for problem, _ in _flaws(text):
        raise refusal(problem)
    return text


def _flaws(value: Any) -> Iterator[tuple[str, str]]:
    """What Postgres could not store, and where. A loop of its own, as recursion could run out of stack."""
    waiting: list[tuple[Any, _Place]] = [(value, ())]
    while waiting:
        item, place = waiting.pop()
        if isinstance(item, str):
            if "\x00" in item:
                yield "has a NUL character", _spelled(place)
            elif not item.isascii() and any("\ud800" <= char <= "\udfff" for char in item):
                yield "has half of a surrogate pair, which is no character", _spelled(place)
        elif isinstance(item, float) and not math.isfinite(item):
            yield "is not a finite number", _spelled(place)
        elif isinstance(item, dict | list) and len(place) == DEEPEST:
            yield f"is nested more than {DEEPEST} levels deep", _spelled(place)
        elif isinstance(item, dict):
            for key, inner in item.items():
                waiting += [(inner, (*place, key)), (key, place)]
        elif isinstance(item, list):
            waiting += [(inner, (*place, number)) for number, inner in enumerate(item)]


def _spelled(place: _Place) -> str:
    """As ``[2].title``; in letters that any encoding can write."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step[:LONGEST_NAME]}" for step in place)
    return "".join(steps).encode("utf-8", "backslashreplace").decode()
