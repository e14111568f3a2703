"""Views of jobs and their tasks: each one's question, columns and empty sentence."""

import shlex
from collections.abc import Sequence
from typing import Any

from rich.text import Text
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import clock
from socialsync.cli import wording
from socialsync.cli.live import Seen, View
from socialsync.cli.tables import Column, status_text
from socialsync.features.operations.schemas import JobAnswer
from socialsync.queue import history, inspection
from socialsync.queue.history import Filters
from socialsync.queue.records import Job
from socialsync.queue.shapes import ActiveJob, RegisteredTask, ScheduledJob, TaskStats


def listed(
    filters: Filters, *, before: int | None, limit: int, given: Sequence[str], go_on: str
) -> View[Job]:
    """Jobs, newest first.

    Args:
        given: the options that narrow the list, as they were typed.
        go_on: the command that shows the next ones, without the cursor.
    """

    async def ask(session: AsyncSession) -> Seen[Job]:
        found = await history.list_jobs(session, filters, before=before, limit=limit)
        more = None
        if found.next_before is not None:
            searched = "" if found.jobs else f"Only {history.EXAMINED:,} jobs were looked at. "
            more = f"{searched}Go on: {go_on} --cursor {found.next_before}"
        return Seen(found.jobs, more=more)

    empty = f"No job matches {shlex.join(given)}." if given else "No job yet."
    return View("Jobs", ask, _JOBS, empty, _job_json)


def active(queue: str | None, limit: int) -> View[ActiveJob]:
    async def ask(session: AsyncSession) -> Seen[ActiveJob]:
        rows = await inspection.active(session, queue=queue, limit=limit)
        return Seen(rows, more=_cut(rows, limit))

    return View("Jobs that run", ask, _ACTIVE, f"No job runs{_in(queue)} at present.")


def scheduled(queue: str | None, limit: int) -> View[ScheduledJob]:
    async def ask(session: AsyncSession) -> Seen[ScheduledJob]:
        rows = await inspection.scheduled(session, queue=queue, limit=limit)
        return Seen(rows, more=_cut(rows, limit))

    return View("Jobs that wait for a time", ask, _SCHEDULED, f"No job waits for a time{_in(queue)}.")


def registered() -> View[RegisteredTask]:
    async def ask(session: AsyncSession) -> Seen[RegisteredTask]:
        return Seen(await inspection.registered(session))

    return View(
        "Tasks that workers know",
        ask,
        _REGISTERED,
        "No task is known yet: workers tell theirs when they start.",
    )


def stats() -> View[TaskStats]:
    async def ask(session: AsyncSession) -> Seen[TaskStats]:
        return Seen(await inspection.task_stats(session))

    return View("The last 24 hours, by task", ask, _STATS, "No job has ended in the last 24 hours.")


def _job_json(job: Job) -> dict[str, Any]:
    return JobAnswer.model_validate(job).model_dump(mode="json")


def _in(queue: str | None) -> str:
    return "" if queue is None else f" in the queue {queue!r}"


def _cut(rows: Sequence[Any], limit: int) -> str | None:
    return f"The first {limit:,}; for more: --limit {limit * 10:,}" if len(rows) == limit else None


def _time(job: Job) -> str:
    """Where it is in its life: when it is due, how long it waits or runs, or when it ended."""
    now = clock.now()
    if job.status == "doing":
        return f"for {wording.span((now - job.started_at).total_seconds())}" if job.started_at else ""
    if job.status == "todo":
        at = job.scheduled_at or job.created_at
        if at is None or at > now:
            return wording.when(at, now) if at else ""
        return f"waits {wording.span((now - at).total_seconds())}"
    return wording.when(job.finished_at, now) if job.finished_at else ""


def _success(task: TaskStats) -> Text:
    if task.success_rate is None:
        return Text()
    rate = f"{int(task.success_rate * 1000) / 10:g} %"  # never rounded up to 100
    return Text(rate, "green" if task.success_rate == 1 else "yellow")


def _trouble(job: ActiveJob) -> Text:
    killed = f"killed {job.kills} times" if job.kills > 1 else "killed once" if job.kills else ""
    said = ", ".join(part for part in ("asked to end" if job.abort_requested else "", killed) if part)
    return Text(said, "yellow")


def _seconds(value: float | None) -> str | None:
    return None if value is None else wording.span(value)


_JOBS: Sequence[Column[Job]] = (
    Column("job", lambda job: str(job.id), right=True),
    Column("status", lambda job: status_text(job.status)),
    Column("task", lambda job: job.task),
    Column("queue", lambda job: job.queue, rank=1),
    Column("when", _time),
    Column("attempts", lambda job: str(job.attempts), rank=3, right=True),
    Column("worker", lambda job: job.worker, rank=4, optional=True),
    Column("arguments", lambda job: wording.compact(job.args), rank=2, flexible=True, optional=True),
)
_ACTIVE: Sequence[Column[ActiveJob]] = (
    Column("job", lambda job: str(job.id), right=True),
    Column("task", lambda job: job.task),
    Column("queue", lambda job: job.queue, rank=2),
    Column("worker", lambda job: job.worker, rank=3),
    Column("runs for", lambda job: _seconds(job.running_s), right=True),
    Column("attempt", lambda job: str(job.attempts + 1), rank=4, right=True),
    Column("", _trouble, rank=1, optional=True),
    Column("lock", lambda job: job.lock, rank=6, flexible=True, optional=True),
    Column("arguments", lambda job: wording.compact(job.args), rank=5, flexible=True, optional=True),
)
_SCHEDULED: Sequence[Column[ScheduledJob]] = (
    Column("job", lambda job: str(job.id), right=True),
    Column("task", lambda job: job.task),
    Column("queue", lambda job: job.queue, rank=1),
    Column("due", lambda job: wording.when(job.due_at, clock.now())),
    Column("", lambda job: f"retry {job.attempts}" if job.attempts else None, rank=2, optional=True),
    Column("arguments", lambda job: wording.compact(job.args), rank=3, flexible=True, optional=True),
)
_REGISTERED: Sequence[Column[RegisteredTask]] = (
    Column("task", lambda task: task.name),
    Column("queue", lambda task: task.queue),
    Column("policy", lambda task: task.policy, rank=1),
    Column("scope", lambda task: task.scope, rank=4),
    Column("priority", lambda task: str(task.priority), rank=5, right=True),
    Column("soft limit", lambda task: _seconds(task.soft_s), rank=3, right=True),
    Column("hard limit", lambda task: _seconds(task.hard_s), rank=2, right=True),
    Column("seen", lambda task: wording.when(task.seen_at, clock.now()), rank=6),
    Column("also called", lambda task: ", ".join(task.aliases), rank=7, flexible=True, optional=True),
)
_STATS: Sequence[Column[TaskStats]] = (
    Column("task", lambda task: task.task),
    Column("succeeded", lambda task: Text(f"{task.succeeded:,}"), right=True),
    Column("failed", lambda task: Text(f"{task.failed:,}", "red" if task.failed else ""), right=True),
    Column("retried", lambda task: f"{task.retried:,}", rank=5, right=True),
    Column("aborted", lambda task: f"{task.aborted:,}", rank=6, right=True),
    Column("success", _success, rank=1, right=True),
    Column("mean", lambda task: _seconds(task.mean_s), rank=2, right=True),
    Column("longest", lambda task: _seconds(task.longest_s), rank=3, right=True),
    Column("mean wait", lambda task: _seconds(task.mean_wait_s), rank=4, right=True),
)
