"""How a channel speaks, and when its people are there: its own way where it has one, else the workspace's."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from socialsync.features.accounts import hours, locale
from socialsync.features.accounts.hours import Hours

_CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "languages": locale.check_languages,
    "business_hours": hours.check_hours,
}


@dataclass(frozen=True)
class Manner:
    """``timezone``: the workspace's, in which the hours are told."""

    tone: str
    languages: Sequence[str]
    business_hours: Hours
    timezone: str

    def are_there(self, now: datetime) -> bool:
        """Whether people are there; where no hours are set they always are."""
        return hours.are_there(self.business_hours, now.astimezone(ZoneInfo(self.timezone)))


def check_manner(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a channel is given, as it is stored. None stands for the workspace's.

    Raises:
        Invalid: names ``languages`` or ``business_hours``.
    """
    return {
        name: value if value is None or name not in _CHECKS else _CHECKS[name](value)
        for name, value in values.items()
    }
