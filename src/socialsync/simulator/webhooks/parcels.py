"""What waits to be told: news that may still be put together, and bodies that were refused and come again."""

import heapq
import itertools
from dataclasses import dataclass

from socialsync.simulator.webhooks.bodies import StatusUpdate, raw, statuses_body

BATCH = 1_000
"""Updates in one body. Meta, "Webhooks, Getting Started": up to 1000."""
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 2.0
ATTEMPTS = 2_000
"""More than an hour of them."""


@dataclass(slots=True)
class Parcel:
    """A body, the same at every attempt.

    Args:
        size: how many updates it tells.
    """

    platform: str
    body: bytes
    size: int
    attempts: int = 0


class Waiting:
    """Both in the order in which they are due, by the event loop's clock."""

    def __init__(self) -> None:
        self._news: list[tuple[float, int, StatusUpdate]] = []
        self._again: list[tuple[float, int, Parcel]] = []
        self._turns = itertools.count()

    def add(self, due: float, news: StatusUpdate) -> None:
        heapq.heappush(self._news, (due, next(self._turns), news))

    def add_again(self, due: float, parcel: Parcel) -> None:
        heapq.heappush(self._again, (due, next(self._turns), parcel))

    def due(self) -> float | None:
        """When something is, if anything waits."""
        return min((heap[0][0] for heap in (self._news, self._again) if heap), default=None)

    def take(self, now: float) -> Parcel | None:
        """What was refused goes first; news that are due travel together."""
        if self._again and self._again[0][0] <= now:
            return heapq.heappop(self._again)[2]
        updates: list[StatusUpdate] = []
        while self._news and self._news[0][0] <= now and len(updates) < BATCH:
            updates.append(heapq.heappop(self._news)[2])
        return packed(updates) if updates else None


def packed(updates: list[StatusUpdate]) -> Parcel:
    return Parcel("whatsapp", raw(statuses_body(updates)), len(updates))


def pause_after(failures: int) -> float:
    """Seconds until the next attempt: twice as long each time, up to a bound."""
    return min(FIRST_PAUSE_S * 2.0 ** min(failures - 1, 16), LONGEST_PAUSE_S)
