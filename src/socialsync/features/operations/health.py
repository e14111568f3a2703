"""What the state of the queues and workers means."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from socialsync.queue.inspection import QueueState

WARN_DEPTH = 500
ALARM_DEPTH = 1_000
Level = Literal["warn", "alarm"]
Status = Literal["ok", "degraded", "down"]


@dataclass(frozen=True)
class Alert:
    """Something that a person should look at.

    Args:
        about: ``workers``, ``database`` or ``queue:<name>``.
    """

    level: Level
    about: str
    message: str
    fix: str | None = None


def alerts(queues: Mapping[str, QueueState], *, workers: int) -> list[Alert]:
    """The alarms first."""
    found = [alert for name, queue in queues.items() for alert in _of_depth(name, queue)]
    waiting = sum(queue.waiting for queue in queues.values())
    if not workers:
        waits = f", while {waiting} job(s) wait" if waiting else ""
        message = f"No worker is active: nothing is published{waits}."
        found.append(Alert("alarm", "workers", message, "Start one: socialsync worker"))
    return sorted(found, key=lambda alert: alert.level != "alarm")


def status(found: list[Alert]) -> Status:
    return "degraded" if found else "ok"


def _of_depth(name: str, queue: QueueState) -> list[Alert]:
    if queue.waiting <= WARN_DEPTH:
        return []
    level: Level = "alarm" if queue.waiting > ALARM_DEPTH else "warn"
    limit = ALARM_DEPTH if level == "alarm" else WARN_DEPTH
    message = f"{queue.waiting:,} jobs wait in the queue {name}, more than {limit:,}."
    return [Alert(level, f"queue:{name}", message, f"Add workers: socialsync worker -q {name}")]
