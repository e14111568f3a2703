"""What a look at the queue sees: the rows of the views of schema ``inspect``, column by column.

Times are in UTC; what is named ``..._s`` is in seconds.
"""

import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import RowMapping

COUNTED_TO = 10_000
"""Jobs of one queue are counted so far and no further: a count of this means this much, or more."""

Shape = TypeVar("Shape")


@dataclass(frozen=True, slots=True)
class Stranded:
    """Jobs that could run now, but for which no living worker serves the queue and knows the task."""

    queue: str
    task: str
    waiting: int
    oldest_waiting_s: float


@dataclass(frozen=True, slots=True)
class QueueState:
    """A queue at this moment. Counts end at ``COUNTED_TO``.

    Args:
        waiting: jobs that could run now; those scheduled for later don't count.
        scheduled: jobs that wait for a time, retries too.
        oldest_waiting_s: since the longest waiting one could have run; None when none waits.
        failed_lately: within the last hour.
        workers: living ones that serve it.
        held: schedules that could not run, because it is paused.
        stranded: what has waited there for a while, although it is served.
    """

    name: str
    waiting: int = 0
    running: int = 0
    scheduled: int = 0
    oldest_waiting_s: float | None = None
    failed_lately: int = 0
    paused: bool = False
    paused_at: datetime | None = None
    workers: int = 0
    held: tuple[str, ...] = ()
    stranded: tuple["Stranded", ...] = ()


@dataclass(frozen=True, slots=True)
class ActiveJob:
    """A job that runs. ``attempts`` before this one; ``kills``: how often its process died meanwhile."""

    id: int
    task: str
    queue: str
    worker_id: int | None
    worker: str | None
    started_at: datetime | None
    running_s: float | None
    attempts: int
    kills: int
    priority: int
    lock: str | None
    abort_requested: bool
    args: dict[str, Any]
    workspace_id: str | None


@dataclass(frozen=True, slots=True)
class ScheduledJob:
    """A job that waits for its time; with ``attempts`` it waits for its retry."""

    id: int
    task: str
    queue: str
    due_at: datetime
    due_in_s: float
    attempts: int
    priority: int
    lock: str | None
    queueing_lock: str | None
    args: dict[str, Any]
    workspace_id: str | None


@dataclass(frozen=True, slots=True)
class RegisteredTask:
    """A task that some worker knows, as it was when that worker started (``seen_at``)."""

    name: str
    queue: str
    policy: str
    scope: str
    soft_s: float
    hard_s: float
    priority: int
    aliases: list[str]
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class WorkerState:
    """A worker, as it told with its last heartbeat.

    Args:
        queues: None: all.
        state: ``running``, ``draining`` or ``stopping``.
        wanted: what an operator asked of it: ``drain`` or ``stop``.
        alive: whether its heart beat lately.
        busy_share: of its slots or its processor in the last seconds, from 0 to 1.
        done: attempts it has ended.
    """

    id: int
    name: str
    host: str | None
    pid: int | None
    queues: list[str] | None
    concurrency: int | None
    version: str | None
    state: str
    wanted: str | None
    supervisor: str | None
    started_at: datetime | None
    heartbeat_at: datetime
    heartbeat_age_s: float
    alive: bool
    running: int
    busy_share: float | None
    memory_bytes: int | None
    done: int


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """A schedule. ``overdue``: its time passed more than ten seconds ago, and nobody ticked."""

    name: str
    task: str
    cron: str | None
    every_s: float | None
    timezone: str
    args: dict[str, Any]
    queue: str | None
    expires_s: float | None
    enabled: bool
    next_at: datetime
    last_at: datetime | None
    last_job_id: int | None
    last_job_status: str | None
    overdue: bool


@dataclass(frozen=True, slots=True)
class Failure:
    """A job that failed and is not tried again, with its last error."""

    id: int
    task: str
    queue: str
    failed_at: datetime | None
    attempts: int
    kills: int
    error: str | None
    traceback: str | None
    worker: str | None
    args: dict[str, Any]
    workspace_id: str | None


@dataclass(frozen=True, slots=True)
class Totals:
    """All attempts ever of a task in a queue. ``buckets`` count durations, by the bounds of ``stats.BUCKETS``
    and beyond the last of them.
    """

    task: str
    queue: str
    succeeded: int
    failed: int
    retried: int
    aborted: int
    running_s: float
    waited_s: float
    buckets: list[int]


@dataclass(frozen=True, slots=True)
class TaskStats:
    """How the attempts of a task went in the last 24 hours. ``success_rate`` is of the jobs that ended."""

    task: str
    succeeded: int
    failed: int
    retried: int
    aborted: int
    success_rate: float | None
    mean_s: float | None
    longest_s: float
    mean_wait_s: float | None


def shaped(shape: type[Shape], row: RowMapping, **more: Any) -> Shape:
    """A row as one of these dataclasses, its times in UTC. Columns that the shape does not know are left out:
    a newer migration may have added some.
    """
    names = (field.name for field in dataclasses.fields(shape))  # type: ignore[arg-type] # each is a dataclass
    return shape(**{name: _utc(row[name]) for name in names if name not in more and name in row}, **more)


def _utc(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value
