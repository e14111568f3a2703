"""The JSON of the installation's state: health, jobs, queues, workers, schedules."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, JsonValue

from socialsync.api.schemas import Answer, AwareTime, Body, Changes, Flag, Number

QueueName = Annotated[str, Field(min_length=1, max_length=40, examples=["ingest"])]
Args = Annotated[dict[str, Any], Field(description="The job's arguments by name.", examples=[{}])]
Cron = Annotated[
    str,
    Field(max_length=200, description="Five fields, or six with seconds last.", examples=["*/5 * * * *"]),
]
EveryS = Annotated[Number, Field(description="Seconds between ticks, fractions allowed; 0.1 at least.")]
Zone = Annotated[str, Field(max_length=100, description="The IANA time zone that `cron` is read in.")]
ExpiresS = Annotated[
    Number, Field(description="Seconds after which a tick's job that still waits is dropped.")
]
TaskName = Annotated[str, Field(min_length=1, max_length=128, examples=["operations.health_check"])]


class LiveOut(Answer):
    status: Literal["ok"] = "ok"


class ReadyOut(Answer):
    status: Literal["ready"] = "ready"


class QueueOut(Answer):
    waiting: int = Field(description="Jobs that could run now, counted up to 10,000.")
    running: int
    scheduled: int = Field(description="Jobs that wait for a time, counted up to 10,000.")
    oldest_waiting_s: float | None = Field(description="Seconds that the longest waiting one has waited.")
    failed_lately: int = Field(description="Jobs that failed within the last hour.")
    paused: bool
    workers: int = Field(description="Living workers that serve it.")


class QueueHealthOut(QueueOut):
    level: Literal["good", "fair", "warn", "alarm"] = Field(
        description="By jobs that wait: good under 100, warn over 500, alarm over 1,000."
    )


class AlertOut(Answer):
    level: Literal["warn", "alarm"]
    about: str = Field(examples=["queue:ingest"])
    message: str
    fix: str | None


class HealthOut(Answer):
    status: Literal["ok", "degraded", "down"]
    workers: str = Field(examples=["2 worker(s) active"])
    utilisation: float | None = Field(
        description="How busy the workers are, from 0 to 1: good at 0.7 to 0.8, alarm over 0.95."
    )
    oldest_waiting_s: float | None = Field(description="Seconds that the longest waiting job has waited.")
    queues: dict[str, QueueHealthOut]
    alerts: list[AlertOut]


class QueueAnswer(QueueOut):
    """A queue that ever had a job."""

    name: str
    paused_at: datetime | None


class Purged(Answer):
    queue: str
    deleted: int = Field(description="Jobs that waited.")


class JobAnswer(Answer):
    """A job as it is now."""

    id: int
    task: str
    queue: str
    status: Literal["todo", "doing", "succeeded", "failed", "cancelled", "aborted"] = Field(
        description="`todo` waits, for its time or for a worker; `doing` runs."
    )
    priority: int
    args: Any = Field(description="Its arguments by name.")
    lock: str | None
    queueing_lock: str | None
    scheduled_at: datetime | None = Field(description="Not to run before; null: at once.")
    created_at: datetime | None
    started_at: datetime | None = Field(description="When its latest attempt began.")
    finished_at: datetime | None
    expires_at: datetime | None = Field(description="It is cancelled if it still waits then.")
    attempt_count: int = Field(validation_alias="attempts", description="Attempts that were spent.")
    kills: int = Field(description="How often its process died while it ran.")
    abort_requested: bool
    worker: str | None = Field(description="The worker that runs it.")
    rerun_of: int | None = Field(description="The job that it runs again.")
    workspace_id: str | None


class EventAnswer(Answer):
    """Something that happened to a job; of `scheduled`, `at` is the time that was set."""

    event: str = Field(examples=["started"])
    at: datetime | None


class AttemptAnswer(Answer):
    """What an attempt told: what it returned, until that expires, or how it failed."""

    attempt: int
    outcome: str
    result: Any
    error: str | None
    traceback: str | None
    worker: str | None
    started_at: datetime | None
    finished_at: datetime
    expires_at: datetime | None = Field(description="When the result goes; errors go with their job.")


class JobDetailAnswer(JobAnswer):
    """A job with its story, the oldest first, and what it came to."""

    timeline: list[EventAnswer]
    attempts: list[AttemptAnswer] = Field(validation_alias="attempts_made")
    result: Any = Field(description="What it returned; null until it succeeded and after the result expired.")
    error: str | None = Field(description="Why its latest attempt failed.")
    traceback: str | None


class Rerun(Body):
    """What is to be different this time; nothing has to be."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}]})

    args: Annotated[Args | None, Field(description="All arguments, in place of the old ones.")] = None
    queue: QueueName | None = None
    schedule_at: Annotated[AwareTime | None, Field(description="When to run; by default at once.")] = None


class Deferred(Answer):
    job_id: int


SCHEDULE: JsonValue = {
    "name": "check-health",
    "task": "operations.health_check",
    "cron": "*/5 * * * *",
    "timezone": "Europe/Paris",
    "expires_s": 290,
}


class NewSchedule(Body):
    """A job to be deferred again and again, by `cron` in its zone or every `every_s` seconds."""

    model_config = ConfigDict(json_schema_extra={"examples": [SCHEDULE]})

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$", examples=["check-health"])]
    task: TaskName
    cron: Cron | None = None
    every_s: EveryS | None = None
    timezone: Zone = "UTC"
    args: Args = {}
    queue: Annotated[QueueName | None, Field(description="Another queue than the task's.")] = None
    expires_s: ExpiresS | None = None
    enabled: Flag = True


class ScheduleChanges(Changes):
    """What to change; the rest stays. `cron` takes the place of `every_s`, and the other way round."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"enabled": False}]})
    clearable: ClassVar[frozenset[str]] = frozenset({"cron", "every_s", "queue", "expires_s"})

    task: TaskName | None = None
    cron: Cron | None = None
    every_s: EveryS | None = None
    timezone: Zone | None = None
    args: Args | None = None
    queue: QueueName | None = None
    expires_s: ExpiresS | None = None
    enabled: Flag | None = None


class ScheduleAnswer(Answer):
    """A schedule, when it comes next, and what became of its latest job."""

    name: str
    task: str
    cron: str | None
    every_s: float | None
    timezone: str
    args: Any
    queue: str | None
    expires_s: float | None
    enabled: bool
    next_at: datetime
    last_at: datetime | None
    last_job_id: int | None
    last_job_status: str | None
    overdue: bool = Field(description="Its time passed more than ten seconds ago, and nobody ticked.")


class WorkerAnswer(Answer):
    """A worker, as it told with its last heartbeat."""

    id: int
    name: str
    host: str | None
    pid: int | None
    queues: list[str] | None = Field(description="Null: all.")
    concurrency: int | None
    version: str | None
    state: str = Field(description="`running`, `draining` or `stopping`.")
    wanted: str | None = Field(description="What an operator asked of it: `drain` or `stop`.")
    supervisor: str | None
    started_at: datetime | None
    heartbeat_at: datetime
    alive: bool
    running: int
    busy_share: float | None = Field(description="From 0 to 1, over the last seconds.")
    memory_bytes: int | None
    done: int = Field(description="Attempts it has ended.")


class WorkersAsked(Answer):
    workers: list[int] = Field(description="The ids of those that were asked.")
    wanted: Literal["drain", "stop"]
