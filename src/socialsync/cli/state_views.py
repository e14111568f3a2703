"""Views of queues, workers and schedules: each one's question, columns and empty sentence."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.text import Text
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import clock
from socialsync.cli import wording
from socialsync.cli.live import Seen, View
from socialsync.cli.tables import LEVEL_STYLES, Column, status_text
from socialsync.features.operations import health
from socialsync.queue import inspection
from socialsync.queue.shapes import QueueState, ScheduleState, WorkerState

_ASKED = {"drain": "asked to drain", "stop": "asked to stop"}
_STATES = {"running": "green", "draining": "yellow", "stopping": "yellow"}


def queues() -> View[QueueState]:
    async def ask(session: AsyncSession) -> Seen[QueueState]:
        rows = await inspection.queues(session)
        workers = await inspection.workers(session)
        living = sum(worker.alive for worker in workers)
        found = health.alerts(
            {row.name: row for row in rows}, workers=living, utilisation=inspection.utilisation(workers)
        )
        return Seen(rows, _notes(found))

    return View("Queues", ask, _QUEUES, "No queue has had a job yet.", _queue_json)


def workers() -> View[WorkerState]:
    async def ask(session: AsyncSession) -> Seen[WorkerState]:
        rows = await inspection.workers(session)
        living = sum(worker.alive for worker in rows)
        busy = inspection.utilisation(rows)
        found = health.alerts({}, workers=living, utilisation=busy) if rows else []
        together = f", busy {busy:.0%} of the time" if busy is not None else ""
        total = [Text(f"{living} worker(s) active{together}", "dim")] if rows else []
        return Seen(rows, [Text(), *total, *_notes(found)[1:]])

    return View("Workers", ask, _WORKERS, "No worker is active. Start one: socialsync worker")


def schedules() -> View[ScheduleState]:
    async def ask(session: AsyncSession) -> Seen[ScheduleState]:
        return Seen(await inspection.schedules(session))

    empty = "No schedule yet: they come with the first worker, or: socialsync schedules add --help"
    return View("Schedules", ask, _SCHEDULES, empty, _schedule_json)


def rule(schedule: ScheduleState) -> str:
    """``*/5 * * * * Europe/Paris`` or ``every 5 min``."""
    if schedule.every_s is not None:
        for step, unit in ((3_600, "h"), (60, "min")):
            if schedule.every_s % step == 0:
                return f"every {schedule.every_s / step:g} {unit}"
        return f"every {schedule.every_s:g} s"
    return f"{schedule.cron} {schedule.timezone}"


def _queue_json(queue: QueueState) -> dict[str, Any]:
    return {**asdict(queue), "level": health.depth(queue.waiting)}


def _schedule_json(schedule: ScheduleState) -> dict[str, Any]:
    return {**asdict(schedule), "when": rule(schedule)}


def _notes(found: Sequence[health.Alert]) -> list[Text]:
    """A blank line, and a line for each alert."""
    lines = [
        Text.assemble(
            (f"{alert.level}: ", LEVEL_STYLES[alert.level]), alert.message, " ", (alert.fix or "", "dim")
        )
        for alert in found
    ]
    return [Text(), *lines] if lines else []


def _depth(queue: QueueState) -> Text:
    return Text(wording.counted(queue.waiting), LEVEL_STYLES[health.depth(queue.waiting)])


def _queue_state(queue: QueueState) -> Text:
    if queue.paused:
        since = f" {wording.when(queue.paused_at, clock.now())}" if queue.paused_at else ""
        return Text(f"paused{since}", "yellow")
    if not queue.workers and queue.waiting:
        return Text("unserved", "bold red")
    if queue.stranded:
        return Text("unknown task", "bold red")
    return Text("open", "green") if queue.workers else Text("unserved", "dim")


def _worker_state(worker: WorkerState) -> Text:
    if not worker.alive:
        return Text(f"silent for {wording.span(worker.heartbeat_age_s)}", "bold red")
    if worker.state == "running" and worker.wanted:
        return Text(_ASKED.get(worker.wanted, worker.wanted), "yellow")
    return Text(worker.state, _STATES.get(worker.state, ""))


def _busy(worker: WorkerState) -> Text:
    if worker.busy_share is None:
        return Text()
    return Text(
        f"{worker.busy_share:.0%}", "bold red" if worker.busy_share > health.ALARM_UTILISATION else ""
    )


def _schedule_state(schedule: ScheduleState) -> Text:
    if not schedule.enabled:
        return Text("disabled", "dim")
    return Text("overdue", "bold red") if schedule.overdue else Text("on", "green")


def _seconds(value: float | None) -> str | None:
    return None if value is None else wording.span(value)


_QUEUES: Sequence[Column[QueueState]] = (
    Column("queue", lambda queue: queue.name),
    Column("waiting", _depth, right=True),
    Column("running", lambda queue: f"{queue.running:,}", right=True),
    Column("scheduled", lambda queue: wording.counted(queue.scheduled), rank=2, right=True),
    Column("oldest waits", lambda queue: _seconds(queue.oldest_waiting_s), rank=3, right=True),
    Column(
        "failed in 1 h",
        lambda queue: Text(wording.counted(queue.failed_lately), "red" if queue.failed_lately else ""),
        rank=4,
        right=True,
    ),
    Column("workers", lambda queue: str(queue.workers), rank=1, right=True),
    Column("state", _queue_state),
)
_WORKERS: Sequence[Column[WorkerState]] = (
    Column("worker", lambda worker: worker.name),
    Column("state", _worker_state),
    Column("jobs", lambda worker: f"{worker.running}/{worker.concurrency or '?'}", right=True),
    Column("busy", _busy, rank=1, right=True),
    Column(
        "queues", lambda worker: ", ".join(worker.queues) if worker.queues else "all", rank=2, flexible=True
    ),
    Column("ended", lambda worker: f"{worker.done:,}", rank=4, right=True),
    Column(
        "memory",
        lambda worker: wording.size(worker.memory_bytes) if worker.memory_bytes else None,
        rank=3,
        right=True,
    ),
    Column(
        "started",
        lambda worker: wording.when(worker.started_at, clock.now()) if worker.started_at else None,
        rank=6,
    ),
    Column("heartbeat", lambda worker: f"{wording.span(worker.heartbeat_age_s)} ago", rank=7),
    Column("process", lambda worker: f"{worker.host}:{worker.pid}" if worker.pid else worker.host, rank=5),
    Column("version", lambda worker: worker.version, rank=8),
    Column("id", lambda worker: str(worker.id), rank=9, right=True),
)
_SCHEDULES: Sequence[Column[ScheduleState]] = (
    Column("schedule", lambda schedule: schedule.name),
    Column("task", lambda schedule: schedule.task, rank=4),
    Column("when", rule, rank=2),
    Column(
        "next", lambda schedule: wording.when(schedule.next_at, clock.now()) if schedule.enabled else None
    ),
    Column("state", _schedule_state),
    Column(
        "last",
        lambda schedule: wording.when(schedule.last_at, clock.now()) if schedule.last_at else None,
        rank=3,
    ),
    Column(
        "last job",
        lambda schedule: status_text(schedule.last_job_status) if schedule.last_job_status else None,
        rank=5,
        optional=True,
    ),
    Column("queue", lambda schedule: schedule.queue, rank=6, optional=True),
    Column("expires", lambda schedule: _seconds(schedule.expires_s), rank=7, optional=True),
    Column(
        "arguments", lambda schedule: wording.compact(schedule.args), rank=8, flexible=True, optional=True
    ),
)
