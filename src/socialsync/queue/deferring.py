"""Jobs are born here: set-based, on the very connection and in the very transaction of their rows.

One INSERT serves all: it never breaks the transaction on a queueing lock that is taken (procrastinate's own
does), because ``on conflict`` settles that in the statement itself, right even while the waiting job is
being claimed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from procrastinate.tasks import Task
from pydantic_core import to_json
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.errors import Conflict, Invalid
from socialsync.queue import tasks

AnyTask = Task[Any, Any, Any] | str
OnConflict = Literal["keep", "slide"]


class AlreadyWaiting(Conflict):
    """A job with the same queueing lock waits already."""


@dataclass(frozen=True)
class Deferred:
    """A job as it was stored. ``fresh`` is False when a waiting one was slid instead."""

    id: int
    args: dict[str, Any]
    fresh: bool


@dataclass(frozen=True)
class Options:
    """What a job may have beyond its task's own settings. Times are aware; None leaves the task's.

    ``limit_key`` is whose job it is, for fairness and ``limits``; without one it is the workspace's.
    """

    at: datetime | None = None
    queue: str | None = None
    priority: int | None = None
    queueing_lock: str | None = None
    expires_at: datetime | None = None
    limit_key: str | None = None


LONGEST_QUEUE_NAME = 40
"""Bytes: what remains of the name of a NOTIFY channel after procrastinate's prefix."""
_INSERT = """
insert into procrastinate_jobs
    (queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at, x_expires_at, x_limit_key)
select :queue, :task, :priority, job.lock, :queueing_lock, job.args,
    cast(:at as timestamptz), cast(:expires_at as timestamptz), :limit_key
from jsonb_to_recordset(cast(:jobs as jsonb)) as job(lock text, args jsonb)
on conflict (queueing_lock) where status = 'todo' {action}
returning id, args, xmax = 0 as fresh
"""
_ACTIONS = {
    "keep": "do nothing",
    "slide": "do update set scheduled_at = excluded.scheduled_at, args = excluded.args",
}
_STATEMENTS = {on: text(_INSERT.format(action=action)) for on, action in _ACTIONS.items()}
_NO_OPTIONS = Options()


def check_queue(name: str | None, *, field: str = "queue") -> None:
    """Raises Invalid: no job could be put into a queue of this name, because nobody could be woken."""
    if name is not None and not 0 < len(name.encode()) <= LONGEST_QUEUE_NAME:
        raise Invalid(
            f"A queue's name has 1 to {LONGEST_QUEUE_NAME} bytes.", field=field, fix="E.g. ingest or low."
        )


async def defer(
    session: AsyncSession, task: AnyTask, arguments: Mapping[str, Any], options: Options = _NO_OPTIONS
) -> int:
    """Defer one job, by task or by name, and return its id.

    Raises:
        AlreadyWaiting: a job with this queueing lock waits; the transaction stays usable.
        Invalid: the arguments don't fit the task.
        NotFound: no such task.
    """
    born = await _insert(session, task, [arguments], options, "keep")
    if not born:
        raise AlreadyWaiting(f"A job with the queueing lock {options.queueing_lock!r} waits already.")
    return born[0].id


async def defer_each(
    session: AsyncSession,
    task: AnyTask,
    arguments: Sequence[Mapping[str, Any]],
    options: Options = _NO_OPTIONS,
) -> list[Deferred]:
    """Defer a job for each of these arguments, in one statement."""
    return await _insert(session, task, arguments, options, "keep") if arguments else []


async def slide(
    session: AsyncSession, task: AnyTask, arguments: Mapping[str, Any], *, queueing_lock: str, at: datetime
) -> Deferred:
    """Have exactly one job waiting for ``at``: a waiting one is moved there, otherwise one is deferred.

    A job that waits for its retry waits too and is moved. One that runs already is left alone and gets a
    successor.
    """
    born = await _insert(session, task, [arguments], Options(at=at, queueing_lock=queueing_lock), "slide")
    return born[0]


async def cancel_waiting(session: AsyncSession, job_id: int) -> bool:
    """Cancel a job that has not begun; False when it runs or has ended."""
    result = await session.execute(
        text("select procrastinate_cancel_job_v1(:id, false, false)"), {"id": job_id}
    )
    return result.scalar() is not None


async def _insert(
    session: AsyncSession,
    task: AnyTask,
    arguments: Sequence[Mapping[str, Any]],
    options: Options,
    on_conflict: OnConflict,
) -> list[Deferred]:
    found, details = tasks.find(task if isinstance(task, str) else task.name)
    jobs = [
        {
            "args": details.arguments.as_json(given),
            "lock": details.lock(**given) if details.lock else found.lock,
        }
        for given in arguments
    ]
    rows = await session.execute(
        _STATEMENTS[on_conflict],
        {
            "queue": options.queue or found.queue,
            "task": found.name,
            "priority": found.priority if options.priority is None else options.priority,
            "queueing_lock": options.queueing_lock or found.queueing_lock,
            "at": options.at,
            "expires_at": options.expires_at,
            "limit_key": options.limit_key,
            "jobs": to_json(jobs).decode(),
        },
    )
    return [Deferred(row.id, row.args, row.fresh) for row in rows]
