"""What the state of the queues and workers means."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from socialsync.queue.shapes import QueueState

GOOD_DEPTH = 100
WARN_DEPTH = 500
ALARM_DEPTH = 1_000
UNSERVED_S = 60
"""A job may wait so long for a worker of its queue, or in a paused one."""
ALARM_UTILISATION = 0.95
"""Good is 0.7 to 0.8: below it workers idle, above it a burst has to wait."""
_NAMED = 3
Depth = Literal["good", "fair", "warn", "alarm"]
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


def alerts(
    queues: Mapping[str, QueueState], *, workers: int, utilisation: float | None = None
) -> list[Alert]:
    """The alarms first.

    Args:
        utilisation: how busy the workers are as a whole, from 0 to 1; None: nobody tells.
    """
    found = [
        alert
        for name, queue in queues.items()
        for alert in (_of_pause(name, queue) if queue.paused else _of_depth(name, queue))
    ]
    if workers:
        found += [alert for name, queue in queues.items() for alert in _of_service(name, queue)]
        found += [alert for name, queue in queues.items() for alert in _of_strangers(name, queue)]
    waiting = sum(queue.waiting for queue in queues.values())
    if not workers:
        waits = f", while {waiting} job(s) wait" if waiting else ""
        message = f"No worker is active: nothing is published{waits}."
        found.append(Alert("alarm", "workers", message, "Start one: socialsync worker"))
    elif utilisation is not None and utilisation > ALARM_UTILISATION:
        message = f"The workers are busy {utilisation:.0%} of the time."
        found.append(Alert("alarm", "workers", message, "Add workers, or processes: socialsync worker"))
    return sorted(found, key=lambda alert: alert.level != "alarm")


def status(found: list[Alert]) -> Status:
    return "degraded" if found else "ok"


def depth(waiting: int) -> Depth:
    """What it means that so many jobs wait in one queue."""
    if waiting > ALARM_DEPTH:
        return "alarm"
    if waiting > WARN_DEPTH:
        return "warn"
    return "good" if waiting < GOOD_DEPTH else "fair"


def _of_service(name: str, queue: QueueState) -> list[Alert]:
    """Jobs that nobody will run; one may wait for a moment, while a worker is replaced."""
    if queue.workers or queue.paused or not _is_late(queue):
        return []
    message = f"{queue.waiting:,} job(s) wait in the queue {name}, which no worker serves."
    return [Alert("alarm", f"queue:{name}", message, f"Start one: socialsync worker -q {name}")]


def _of_strangers(name: str, queue: QueueState) -> list[Alert]:
    """Jobs of newer code than the workers have, or of an App that none of them loads."""
    if queue.paused or not queue.stranded:
        return []
    waiting = sum(stranded.waiting for stranded in queue.stranded)
    tasks = [stranded.task for stranded in queue.stranded]
    more = f" and {len(tasks) - _NAMED} more" if len(tasks) > _NAMED else ""
    named = ", ".join(tasks[:_NAMED]) + more
    message = f"{waiting:,} job(s) wait in the queue {name} that none of its workers knows: {named}."
    fix = "Restart workers with the code that has the task; PROCRASTINATE_APP names the App"
    return [Alert("alarm", f"queue:{name}", message, fix)]


def _is_late(queue: QueueState) -> bool:
    return bool(queue.waiting) and (queue.oldest_waiting_s or 0) >= UNSERVED_S


def _of_pause(name: str, queue: QueueState) -> list[Alert]:
    """What a pause holds back; for a moment it may, while somebody works on something."""
    if not queue.held and not _is_late(queue) and queue.waiting <= WARN_DEPTH:
        return []
    message = f"The queue {name} is paused: {queue.waiting:,} job(s) wait"
    if queue.held:
        message += f", and nothing comes of the schedule {', '.join(queue.held)}"
    return [Alert("warn", f"queue:{name}", f"{message}.", f"Resume it: socialsync resume {name}")]


def _of_depth(name: str, queue: QueueState) -> list[Alert]:
    level = depth(queue.waiting)
    if level in {"good", "fair"}:
        return []
    limit = ALARM_DEPTH if level == "alarm" else WARN_DEPTH
    message = f"{queue.waiting:,} jobs wait in the queue {name}, more than {limit:,}."
    alarm: Level = "alarm" if level == "alarm" else "warn"
    return [Alert(alarm, f"queue:{name}", message, f"Add workers: socialsync worker -q {name}")]
