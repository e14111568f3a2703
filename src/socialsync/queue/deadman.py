"""The dead-man switch: a process whose loop is blocked ends, with the stack printed that blocks it.

While the loop runs it moves the switch forward. Code that holds the loop cannot be cancelled. A thread sees
that, says which job it was, so that nobody else is blamed, and ends the process. Should the code hold even
the interpreter, as C may, then the watchdog of ``faulthandler`` ends it, which runs outside of both.
"""

import contextlib
import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable

import psycopg
from procrastinate.jobs import Job

from socialsync import telemetry

log = telemetry.get_logger(__name__)

DEAF_AFTER = 20.0
"""Seconds that the loop may be blocked: heartbeats stop with it, and at 30 s others take its jobs."""
LATEST = 3.0
"""Seconds more that the thread has to say who it was."""
GRACE = 1.5
"""Seconds beyond a hard limit before it is plain that the loop cannot enforce it."""
CONDEMNED = 75
"""Exit status of a process in which a job could not be ended: its supervisor starts another (EX_TEMPFAIL)."""
_EVERY = 1.0
_BLOCKED = "update worker_info set blocked_by = %s where worker_id = %s"


class DeadMan:
    """Armed while a worker runs in a process of its own.

    Args:
        accuse: called in a thread once the loop is deaf, before the process ends; it must not take long.
        deaf_after: seconds.
    """

    def __init__(self, accuse: Callable[[], None], deaf_after: float = DEAF_AFTER) -> None:
        self._accuse = accuse
        self._deaf_after = deaf_after
        self._fires_at = float("inf")
        self._armed_at = 0.0
        self._moved_at = float("inf")
        self._over = threading.Event()
        self._watch: threading.Thread | None = None

    def arm(self, hard_at: float | None) -> None:
        """Move the switch forward; ``hard_at`` (monotonic) is the next hard limit of a running job."""
        now = self._moved_at = time.monotonic()
        fires_at = now + self._deaf_after + LATEST
        if hard_at is not None:
            fires_at = min(fires_at, max(hard_at, now) + GRACE)
        if now - self._armed_at >= _EVERY or abs(fires_at - self._fires_at) > GRACE:
            self._set(fires_at, now)
        if self._watch is None:
            self._watch = threading.Thread(target=self._look, name="dead-man switch", daemon=True)
            self._watch.start()

    def expect(self, hard_at: float) -> None:
        """A job begins; it may block at once."""
        if hard_at + GRACE < self._fires_at:
            self._set(hard_at + GRACE, time.monotonic())

    def disarm(self) -> None:
        faulthandler.cancel_dump_traceback_later()
        self._fires_at = self._moved_at = float("inf")
        self._over.set()

    def _set(self, fires_at: float, now: float) -> None:
        self._armed_at, self._fires_at = now, fires_at
        faulthandler.dump_traceback_later(fires_at - now, exit=True, file=sys.__stderr__ or sys.stderr)

    def _look(self) -> None:
        while not self._over.wait(_EVERY):
            if time.monotonic() - self._moved_at >= self._deaf_after:
                try:
                    self._accuse()
                finally:
                    faulthandler.dump_traceback(file=sys.__stderr__ or sys.stderr)
                    os._exit(CONDEMNED)


def accuse(job: Job | None, url: str) -> None:
    """Say which job blocks the process, in the log and to whoever rescues the others."""
    if job is None:
        log.error("[WORKER] The event loop is blocked; ending the process")
        return
    log.error("[WORKER] A job blocks the process; ending it", job_id=job.id, task=job.task_name)
    with contextlib.suppress(psycopg.Error), psycopg.connect(url, connect_timeout=2) as connection:
        connection.execute(_BLOCKED, (job.id, job.worker_id))
