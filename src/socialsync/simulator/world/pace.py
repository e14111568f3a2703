"""How often something may happen: a burst, then one per interval.

The generic cell rate algorithm (ITU-T I.371): each event pushes the moment at which all is free again one
interval further, and may push it no further ahead than the burst.
"""

from collections.abc import Hashable
from datetime import datetime, timedelta


class Pace:
    def __init__(self) -> None:
        self._free_at: dict[Hashable, datetime] = {}

    def allows(self, key: Hashable, now: datetime, burst: int, interval: timedelta) -> bool:
        return self._free(key, now) - now <= (burst - 1) * interval

    def count(self, key: Hashable, now: datetime, interval: timedelta) -> None:
        self._free_at[key] = self._free(key, now) + interval

    def _free(self, key: Hashable, now: datetime) -> datetime:
        return max(now, self._free_at.get(key, now))
