"""Our own tables of the queue engine. Procrastinate's are its own; ours never appear in its migrations."""

from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Index, Integer, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from socialsync.db.base import NOW, Base

_ZERO = text("0")
_NONE = text("'{}'")


class Schedule(Base):
    """A job that is deferred again and again, by cron in its zone or every so many seconds.

    Seeded once from ``timetable.py``, then the operators': ``removed_at`` keeps a removed one from being
    seeded again.
    """

    __tablename__ = "schedules"
    __table_args__ = (
        CheckConstraint("num_nonnulls(cron, every_s) = 1", name="cron_or_every"),
        CheckConstraint("every_s >= 0.1", name="every"),
        Index("ix_schedules_due", "next_at", postgresql_where=text("enabled and removed_at is null")),
    )

    name: Mapped[str] = mapped_column(primary_key=True)
    task: Mapped[str]
    cron: Mapped[str | None]
    every_s: Mapped[float | None]
    timezone: Mapped[str] = mapped_column(server_default="UTC")
    args: Mapped[dict[str, Any]] = mapped_column(server_default=_NONE)
    queue: Mapped[str | None]
    expires_s: Mapped[float | None]
    enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    next_at: Mapped[datetime]
    last_at: Mapped[datetime | None]
    last_job_id: Mapped[int | None] = mapped_column(BigInteger)
    removed_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class QueueSetting(Base):
    """A queue that ever had a job; a trigger adds it. From a paused one nothing is claimed."""

    __tablename__ = "queue_settings"
    __table_args__ = {
        "comment": "A row for every queue that ever had a job; paused ones are not claimed from"
    }

    queue_name: Mapped[str] = mapped_column(primary_key=True)
    paused_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Limit(Base):
    """What the jobs of one key may do: how many run at once, how many calls a second, not before when."""

    __tablename__ = "limits"
    __table_args__ = (
        CheckConstraint("max_running >= 0", name="max_running"),
        CheckConstraint("rate_per_s > 0", name="rate"),
        CheckConstraint("burst >= 1", name="burst"),
        CheckConstraint("rate_per_s < 'infinity' and burst < 'infinity'", name="finite"),
        {
            "comment": "By limit key: how many jobs may run at once, how many calls a second may be made"
            " (a token bucket), and until when nothing of this key is claimed"
        },
    )

    key: Mapped[str] = mapped_column(primary_key=True)
    max_running: Mapped[int | None]
    rate_per_s: Mapped[float | None]
    burst: Mapped[float] = mapped_column(server_default=text("1"))
    tokens: Mapped[float] = mapped_column(server_default=_ZERO)
    refilled_at: Mapped[datetime] = mapped_column(server_default=NOW)
    blocked_until: Mapped[datetime | None]


class JobResult(Base):
    """What one attempt returned, or how it failed. A result goes at ``expires_at``, an error with its job."""

    __tablename__ = "job_results"
    __table_args__ = (
        Index(None, "expires_at", postgresql_where=text("expires_at is not null")),
        {
            "comment": "What attempts returned or how they failed; results go at expires_at,"
            " errors with their job"
        },
    )

    job_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    attempt: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    outcome: Mapped[str]
    result: Mapped[Any | None] = mapped_column(JSONB)
    error: Mapped[str | None]
    traceback: Mapped[str | None]
    worker: Mapped[str | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime] = mapped_column(server_default=NOW)
    expires_at: Mapped[datetime | None]


class JobStats(Base):
    """Ends of attempts of a task in a queue and a minute; ``queue/pruning.py`` folds old minutes into hours
    and those into one total.
    """

    __tablename__ = "job_stats"
    __table_args__ = (
        Index(None, "minute_at"),
        {"comment": "Ends of attempts by task, queue and minute; buckets count durations for /metrics"},
    )

    task_name: Mapped[str] = mapped_column(primary_key=True)
    queue_name: Mapped[str] = mapped_column(primary_key=True)
    minute_at: Mapped[datetime] = mapped_column(primary_key=True)
    succeeded: Mapped[int] = mapped_column(BigInteger, server_default=_ZERO)
    failed: Mapped[int] = mapped_column(BigInteger, server_default=_ZERO)
    retried: Mapped[int] = mapped_column(BigInteger, server_default=_ZERO)
    cancelled: Mapped[int] = mapped_column(BigInteger, server_default=_ZERO)
    running_s: Mapped[float] = mapped_column(server_default=_ZERO)
    longest_s: Mapped[float] = mapped_column(server_default=_ZERO)
    waited_s: Mapped[float] = mapped_column(server_default=_ZERO)
    buckets: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default=_NONE)


class WorkerInfo(Base):
    """What a living worker tells of itself; goes with its row of ``procrastinate_workers``."""

    __tablename__ = "worker_info"
    __table_args__ = (
        CheckConstraint("state in ('running', 'draining', 'stopping')", name="state"),
        CheckConstraint("wanted in ('drain', 'stop')", name="wanted"),
        {
            "comment": "What each living worker tells of itself; leased: it holds a session lock that frees"
            " when it dies"
        },
    )

    worker_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    name: Mapped[str]
    host: Mapped[str]
    pid: Mapped[int]
    pid_space: Mapped[str | None]
    queues: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    concurrency: Mapped[int]
    version: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="running")
    wanted: Mapped[str | None]
    leased: Mapped[bool]
    supervisor: Mapped[str | None]
    blocked_by: Mapped[int | None] = mapped_column(
        BigInteger, comment="The running job that it saw block its process"
    )
    started_at: Mapped[datetime]
    registered_at: Mapped[datetime] = mapped_column(server_default=NOW)
    memory_bytes: Mapped[int | None] = mapped_column(BigInteger)
    running: Mapped[int] = mapped_column(Integer, server_default=_ZERO)
    busy_share: Mapped[float | None]
    done: Mapped[int] = mapped_column(BigInteger, server_default=_ZERO)
    tasks: Mapped[list[str] | None] = mapped_column(
        ARRAY(Text), comment="The tasks that it knows, aliases too; null: it does not tell"
    )


class TaskInfo(Base):
    """A task that some worker knows, as it was when that worker started."""

    __tablename__ = "task_info"
    __table_args__ = {"comment": "The tasks that workers know: each worker writes its own when it starts"}

    name: Mapped[str] = mapped_column(primary_key=True)
    queue: Mapped[str]
    policy: Mapped[str]
    scope: Mapped[str]
    soft_s: Mapped[float]
    hard_s: Mapped[float]
    priority: Mapped[int]
    aliases: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=_NONE)
    seen_at: Mapped[datetime] = mapped_column(server_default=NOW)
