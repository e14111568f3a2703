"""Where and how a workspace speaks: its time zone and its languages."""

import re
import zoneinfo
from collections.abc import Sequence
from functools import cache

from socialsync.errors import Invalid

MOST_LANGUAGES = 20
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")


def check_timezone(name: str, *, field: str = "timezone") -> str:
    """An IANA name, as this process' time zone data has it.

    Raises:
        Invalid: there is no such zone.
    """
    if name not in _zones():
        raise Invalid(
            "There is no time zone of this name.",
            field=field,
            fix="Use an IANA name such as Europe/Paris or UTC; upper and lower case count.",
        )
    return name


def check_languages(tags: Sequence[str]) -> list[str]:
    """Language tags in the manner of BCP 47, the preferred one first.

    Raises:
        Invalid: none, too many, a malformed or a repeated one.
    """
    if not 1 <= len(tags) <= MOST_LANGUAGES:
        raise Invalid(f"There must be 1 to {MOST_LANGUAGES} languages.", field="languages")
    seen = set()
    for number, tag in enumerate(tags):
        field = f"languages[{number}]"
        if not _LANGUAGE.fullmatch(tag):
            raise Invalid("This is no language tag.", field=field, fix="Write it like en, fr or pt-BR.")
        if tag.lower() in seen:
            raise Invalid("This language is there already.", field=field, fix="Leave it out.")
        seen.add(tag.lower())
    return list(tags)


@cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())
