"""The JSON of the installation's state."""

from typing import Literal

from pydantic import Field

from socialsync.api.schemas import Answer


class LiveOut(Answer):
    status: Literal["ok"] = "ok"


class ReadyOut(Answer):
    status: Literal["ready"] = "ready"


class QueueOut(Answer):
    waiting: int = Field(description="Jobs that could run now.")
    running: int
    oldest_waiting_s: float | None = Field(description="Seconds that the longest waiting one has waited.")


class AlertOut(Answer):
    level: Literal["warn", "alarm"]
    about: str = Field(examples=["queue:ingest"])
    message: str
    fix: str | None


class HealthOut(Answer):
    status: Literal["ok", "degraded", "down"]
    workers: str = Field(examples=["2 worker(s) active"])
    queues: dict[str, QueueOut]
    alerts: list[AlertOut]
