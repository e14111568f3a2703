"""How long to wait before a child that ended by itself gets a successor."""

from dataclasses import dataclass

LONGEST = 30.0
LIVED = 10.0
"""Seconds of service after which an end is an accident, whatever came before."""


@dataclass(frozen=True)
class Backoff:
    """Ends in a row of children that had hardly served; times in monotonic seconds.

    Args:
        streak: how many.
        last: when the last of them ended.
        until: no child is started before.
    """

    streak: int = 0
    last: float = 0.0
    until: float = 0.0

    def crashed(self, at: float, *, served: float | None) -> "Backoff":
        """One more ended, after so many seconds of service; None if it never served.

        The first is replaced at once, further ones after 1, 2, 4 ... 30 s.
        """
        if served is not None and served >= LIVED:
            return self
        wait = 0.0 if self.streak == 0 else min(LONGEST, 2.0 ** (self.streak - 1))
        return Backoff(self.streak + 1, at, at + wait)

    def serving(self, at: float, *, since: float) -> "Backoff":
        """One serves: if it began after the last crash and has lived, the trouble is over."""
        return Backoff() if self.streak and since > self.last and at - since >= LIVED else self
