"""Jobs one by one: lists newest first in pages, and all that is known of one.

A list reads no more than ``EXAMINED`` rows a page, so that a search for what hardly exists among millions
costs no more than another: such a page may be short, or empty, and still lead on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.errors import NotFound
from socialsync.queue.records import Attempt, Event, Job, JobDetail
from socialsync.queue.shapes import shaped

Status = Literal["todo", "doing", "succeeded", "failed", "cancelled", "aborted"]
ENDED: frozenset[str] = frozenset({"succeeded", "failed", "cancelled", "aborted"})
EXAMINED = 50_000
LARGEST_ID = 2**63 - 1
_MOST_EVENTS = 1_000


class NoSuchJob(NotFound):
    """No such job, or not in the caller's workspace."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which jobs are asked for.

    Args:
        q: stands in the task's name, the arguments, the lock; a number that is a job's id finds that one.
        workspace_id: only jobs of this workspace; None for all.
    """

    queue: str | None = None
    task: str | None = None
    status: Status | None = None
    q: str | None = None
    workspace_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Slice:
    """Some jobs, newest first. The next ones are those before the id ``next_before``; None: that was all."""

    jobs: Sequence[Job]
    next_before: int | None


_STATUSES = {status: text(f"status = '{status}'") for status in get_args(Status)}
"""Written out, because an index for one status is not found through a parameter."""
_OF_WORKSPACE = text("args ->> 'workspace_id' = :workspace_id")
_COLUMNS = (
    "id", "task_name", "queue_name", "status", "priority", "args", "lock", "queueing_lock", "scheduled_at",
    "x_created_at", "x_started_at", "x_finished_at", "x_expires_at", "attempts", "x_kills", "abort_requested",
    "worker_id", "x_rerun_of",
)  # fmt: skip
_JOBS = sa.table("procrastinate_jobs", *(sa.column(name) for name in _COLUMNS))
_WORKERS = sa.table("worker_info", sa.column("worker_id"), sa.column("name"))

_TIMELINE = text("select event, at from inspect.timeline where job_id = :id order by id limit :most")
_ATTEMPTS = text("""
select attempt, outcome, case when coalesce(expires_at > now(), true) then result end as result, error,
    traceback, worker, started_at, finished_at, expires_at
from job_results where job_id = :id order by attempt
""")
_STATUS_OF = text("""
select status::text from procrastinate_jobs
where id = :id and (cast(:workspace_id as text) is null or args ->> 'workspace_id' = :workspace_id)
""")


async def list_jobs(
    session: AsyncSession, filters: Filters, *, before: int | None = None, limit: int = 50
) -> Slice:
    """Up to ``limit`` of these jobs, newest first, from the one before the id ``before`` on."""
    if before is None and filters.q and filters.q.isascii() and filters.q.isdecimal():
        found = await _by_number(session, filters, int(filters.q))
        if found:
            return Slice(found, None)
    window = _window(filters, before)
    jobs = await _read(session, _narrowed(window.subquery(), filters, limit + 1))
    if len(jobs) > limit:
        return Slice(jobs[:limit], jobs[limit - 1].id)
    last_examined = await session.scalar(
        sa.select(window.subquery().c.id).order_by(sa.desc("id")).offset(EXAMINED - 1)
    )
    return Slice(jobs, last_examined)


async def get_job(session: AsyncSession, job_id: int, *, workspace_id: UUID | None = None) -> JobDetail:
    """A job with its story.

    Args:
        workspace_id: whose it must be; None for anybody's.

    Raises:
        NoSuchJob.
    """
    found = await _by_number(session, Filters(workspace_id=workspace_id), job_id)
    if not found:
        raise no_such(job_id)
    events = await session.execute(_TIMELINE, {"id": job_id, "most": _MOST_EVENTS})
    attempts = await session.execute(_ATTEMPTS, {"id": job_id})
    return JobDetail(
        **{name: getattr(found[0], name) for name in Job.__slots__},
        timeline=[shaped(Event, row) for row in events.mappings()],
        attempts_made=[shaped(Attempt, row) for row in attempts.mappings()],
    )


async def get_status(session: AsyncSession, job_id: int, *, workspace_id: UUID | None = None) -> str:
    """A job's status alone. Raises NoSuchJob."""
    values = {"id": job_id, "workspace_id": workspace_id and str(workspace_id)}
    status: str | None = await session.scalar(_STATUS_OF, values)
    if status is None:
        raise no_such(job_id)
    return status


def no_such(job_id: int) -> NoSuchJob:
    return NoSuchJob(
        f"There is no job {job_id}, or it is not your workspace's.",
        fix="Finished jobs are kept 7 days, failed ones 30. An installation key sees every job:"
        " socialsync apikey create --installation",
    )


def _window(filters: Filters, before: int | None) -> "sa.Select[Any]":
    """The newest rows that an index finds, as many as may be examined."""
    window = sa.select(_JOBS).order_by(_JOBS.c.id.desc()).limit(EXAMINED)
    if before is not None:
        window = window.where(_JOBS.c.id < before)
    if filters.status:
        window = window.where(_STATUSES[filters.status])
    if filters.workspace_id:
        window = window.where(_OF_WORKSPACE.bindparams(workspace_id=str(filters.workspace_id)))
    return window


def _narrowed(jobs: sa.Subquery, filters: Filters, limit: int) -> "sa.Select[Any]":
    """Those of the window that all the filters let through."""
    c = jobs.c
    query = (
        sa.select(
            c.id, sa.cast(c.task_name, sa.Text).label("task"), sa.cast(c.queue_name, sa.Text).label("queue"),
            sa.cast(c.status, sa.Text).label("status"), c.priority, c.args, c.lock, c.queueing_lock,
            c.scheduled_at, c.x_created_at.label("created_at"), c.x_started_at.label("started_at"),
            c.x_finished_at.label("finished_at"), c.x_expires_at.label("expires_at"), c.attempts,
            sa.func.coalesce(c.x_kills, 0).label("kills"), c.abort_requested, c.x_rerun_of.label("rerun_of"),
            sa.text("args ->> 'workspace_id' as workspace_id"), _WORKERS.c.name.label("worker"),
        )
        .select_from(jobs.outerjoin(_WORKERS, _WORKERS.c.worker_id == c.worker_id))
        .order_by(c.id.desc())
        .limit(limit)
    )  # fmt: skip
    if filters.queue is not None:
        query = query.where(c.queue_name == filters.queue)
    if filters.task is not None:
        query = query.where(c.task_name == filters.task)
    if filters.q:
        words = sa.func.concat_ws(" ", c.task_name, sa.cast(c.args, sa.Text), c.lock)
        query = query.where(words.icontains(filters.q, autoescape=True))
    return query


async def _by_number(session: AsyncSession, filters: Filters, job_id: int) -> Sequence[Job]:
    """The job of this id, if the other filters let it through."""
    if not 0 < job_id <= LARGEST_ID:
        return []
    window = _window(filters, None).where(_JOBS.c.id == job_id)
    others = Filters(queue=filters.queue, task=filters.task)
    return await _read(session, _narrowed(window.subquery(), others, 1))


async def _read(session: AsyncSession, query: "sa.Select[Any]") -> Sequence[Job]:
    rows = await session.execute(query)
    return [shaped(Job, row) for row in rows.mappings()]
