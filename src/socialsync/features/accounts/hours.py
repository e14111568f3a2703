"""When a workspace's people are there: weekday to spans of local time, ``{"mon": [["09:00", "18:00"]]}``."""

import itertools
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from socialsync.errors import Invalid

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_SPANS = 10
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_MIDNIGHT = "24:00"

Hours = dict[str, list[list[str]]]


def check_hours(hours: Mapping[str, Sequence[Sequence[str]]]) -> Hours:
    """The hours with each day's spans in order. A day that is missing is a day off; an end may be 24:00.

    Raises:
        Invalid: an unknown day, a malformed time, a span that ends before it begins, spans that overlap.
    """
    for day in hours:
        if day not in DAYS:
            raise Invalid(
                "There is a day that is none.", field="business_hours", fix=f"Use {', '.join(DAYS)}."
            )
    return {day: _check_day(day, hours[day]) for day in DAYS if day in hours}


def are_there(hours: Mapping[str, Sequence[Sequence[str]]], local: datetime) -> bool:
    """Whether people are there at a local time; where no hours are set they always are."""
    if not hours:
        return True
    time = f"{local:%H:%M}"
    return any(begins <= time < ends for begins, ends in hours.get(DAYS[local.weekday()], ()))


def _check_day(day: str, spans: Sequence[Sequence[str]]) -> list[list[str]]:
    field = f"business_hours.{day}"
    if len(spans) > MOST_SPANS:
        raise Invalid(f"A day has {MOST_SPANS} spans at most.", field=field)
    for number, span in enumerate(spans):
        _check_span(f"{field}[{number}]", span)
    ordered = sorted(list(span) for span in spans)
    for earlier, later in itertools.pairwise(ordered):
        if later[0] < earlier[1]:
            raise Invalid("Two spans of this day overlap.", field=field, fix="Join them into one.")
    return ordered


def _check_span(field: str, span: Sequence[str]) -> None:
    fix = 'Write it like ["09:00", "18:00"], in local time; the end of a day is 24:00.'
    if len(span) != len(("from", "to")):
        raise Invalid("A span has a beginning and an end.", field=field, fix=fix)
    begins, ends = span
    if not _TIME.fullmatch(begins) or not (ends == _MIDNIGHT or _TIME.fullmatch(ends)):
        raise Invalid("A time of day is malformed.", field=field, fix=fix)
    if not begins < ends:
        raise Invalid("The span ends before it begins.", field=field, fix="Split it at 24:00 and 00:00.")
