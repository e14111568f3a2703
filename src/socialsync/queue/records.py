"""What is known of one job: as it is now, what happened to it, and what its attempts came to.

Times are in UTC.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as it is now.

    Args:
        status: procrastinate's word: ``todo`` waits, ``doing`` runs.
        scheduled_at: not to run before; None: at once.
        expires_at: cancelled if it still waits then.
        attempts: that were spent.
        kills: how often its process died while it ran.
        worker: the name of the one that runs it.
        rerun_of: the job that it runs again.
        workspace_id: as its arguments name it.
    """

    id: int
    task: str
    queue: str
    status: str
    priority: int
    args: dict[str, Any]
    lock: str | None
    queueing_lock: str | None
    scheduled_at: datetime | None
    created_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime | None
    attempts: int
    kills: int
    abort_requested: bool
    worker: str | None
    rerun_of: int | None
    workspace_id: str | None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a job; of ``scheduled``, ``at`` is the time that was set."""

    event: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one attempt came to, where it told anything: a result until it expires, or an error."""

    attempt: int
    outcome: str
    result: Any
    error: str | None
    traceback: str | None
    worker: str | None
    started_at: datetime | None
    finished_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDetail(Job):
    """A job with its story: events and attempts, the oldest first, and what the last attempt came to."""

    timeline: list[Event] = field(default_factory=list)
    attempts_made: list[Attempt] = field(default_factory=list)

    @property
    def result(self) -> Any:
        """What it returned; None while it runs, when it failed, and once the result has expired."""
        last = self._last
        return last.result if last and self.status == "succeeded" else None

    @property
    def error(self) -> str | None:
        """Why its last attempt failed; None when it succeeded."""
        return self._last.error if self._last and self.status != "succeeded" else None

    @property
    def traceback(self) -> str | None:
        return self._last.traceback if self._last and self.status != "succeeded" else None

    @property
    def _last(self) -> Attempt | None:
        return self.attempts_made[-1] if self.attempts_made else None
