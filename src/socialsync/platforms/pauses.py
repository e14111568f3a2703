"""How long a number is left alone that sent more in a second than it may, when the answer does not say.

The limit is one of a second, so a second is nearly always enough. It is longer only when the calls after a
pause are refused too: 1, 2, 4 ... seconds, each a little off, so that processes do not come back together.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

FIRST: Final = timedelta(seconds=1)
LONGEST: Final = timedelta(minutes=1)
JITTER: Final = 0.2


@dataclass(frozen=True)
class Pause:
    """``length`` is without what it is off."""

    length: timedelta
    until: datetime


@dataclass(frozen=True)
class Pauses:
    """Those of a process, by limit key."""

    draw: Callable[[], float] = random.random
    _last: dict[str, Pause] = field(default_factory=dict)

    def after_refusal(self, limit_key: str, now: datetime) -> timedelta:
        """How long to wait from now. What was on its way when the pause began does not make it longer; what
        is refused no longer after it than it was, doubles it.
        """
        last = self._last.get(limit_key)
        if last is not None and now < last.until:
            return last.until - now
        goes_on = last is not None and now - last.until <= last.length
        length = min(last.length * 2, LONGEST) if last is not None and goes_on else FIRST
        wait = length * (1 - JITTER + 2 * JITTER * self.draw())
        self._last[limit_key] = Pause(length, now + wait)
        return wait
