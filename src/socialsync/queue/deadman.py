"""The dead-man switch: a process whose loop is blocked ends, with the stack printed that blocks it.

While the loop runs it moves the switch forward. Code that holds the loop, or in C even the interpreter,
cannot be cancelled; the watchdog of ``faulthandler`` runs outside of both.
"""

import faulthandler
import sys
import time

DEAF_AFTER = 20.0
"""Seconds that the loop may be blocked: heartbeats stop with it, and at 30 s others take its jobs."""
GRACE = 1.5
"""Seconds beyond a hard limit before it is plain that the loop cannot enforce it."""
_EVERY = 1.0


class DeadMan:
    """Armed while a worker runs in a process of its own."""

    def __init__(self) -> None:
        self._fires_at = float("inf")
        self._armed_at = 0.0

    def arm(self, hard_at: float | None) -> None:
        """Move the switch forward; ``hard_at`` (monotonic) is the next hard limit of a running job."""
        now = time.monotonic()
        fires_at = now + DEAF_AFTER
        if hard_at is not None:
            fires_at = min(fires_at, max(hard_at, now) + GRACE)
        if now - self._armed_at >= _EVERY or abs(fires_at - self._fires_at) > GRACE:
            self._armed_at = now
            self._fires_at = fires_at
            faulthandler.dump_traceback_later(fires_at - now, exit=True, file=sys.__stderr__ or sys.stderr)

    def disarm(self) -> None:
        faulthandler.cancel_dump_traceback_later()
        self._fires_at = float("inf")
