"""Jobs are born here: set-based, on the very connection and in the very transaction of their rows.

One INSERT serves all: it never breaks the transaction on a queueing lock that is taken (procrastinate's own
does), because ``on conflict`` settles that in the statement itself, right even while the waiting job is
being claimed.
"""

import re
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
OnConflict = Literal["keep", "slide", "hasten"]


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
    "hasten": "do update set scheduled_at = case when procrastinate_jobs.scheduled_at is not null"
    " then least(procrastinate_jobs.scheduled_at, excluded.scheduled_at) end",
}
_STATEMENTS = {on: text(_INSERT.format(action=action)) for on, action in _ACTIONS.items()}
_NO_OPTIONS = Options()
_SLIDE_EACH = text("""
insert into procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at)
select :queue, :task, :priority, job.lock, job.queueing_lock, job.args, job.at
from jsonb_to_recordset(cast(:jobs as jsonb))
    as job(lock text, queueing_lock text, args jsonb, at timestamptz)
order by job.queueing_lock
on conflict (queueing_lock) where status = 'todo'
    do update set scheduled_at = excluded.scheduled_at, args = excluded.args
returning id, args, xmax = 0 as fresh
""")
_KNOWN = text("""
select exists (select from queue_settings where queue_name = :queue)
    or exists (select from task_info where queue = :queue)
    or exists (select from worker_info where :queue = any (queues))
""")
NEXT_ID = "nextval('procrastinate_jobs_id_seq')"
"""The id of a job to come, in SQL: a statement that takes it first need not look its jobs up afterwards."""
_BIRTHS = """
insert into procrastinate_jobs (id, queue_name, task_name, priority, lock, args, x_limit_key)
select {id}, {queue}, {task}, {priority}, {lock}, {args}, {limit_key} from {source}
returning id, args
"""
_SLIDES = """
insert into procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at)
select {queue}, {task}, {priority}, {lock}, {queueing_lock}, {args}, {at} from {source} order by 5
on conflict (queueing_lock) where status = 'todo'
    do update set scheduled_at = excluded.scheduled_at, args = excluded.args
"""


def check_queue(name: str | None, *, field: str = "queue") -> None:
    """Raises Invalid: no job could be put into a queue of this name, because nobody could be woken."""
    if name is not None and not 0 < len(name.encode()) <= LONGEST_QUEUE_NAME:
        raise Invalid(
            f"A queue's name has 1 to {LONGEST_QUEUE_NAME} bytes.", field=field, fix="E.g. ingest or low."
        )


async def is_known(session: AsyncSession, queue: str) -> bool:
    """Whether any job, task or worker names this queue."""
    if any(task.queue == queue for task in tasks.HOUSE.tasks.values()):
        return True
    return bool(await session.scalar(_KNOWN, {"queue": queue}))


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


async def hasten(
    session: AsyncSession, task: AnyTask, arguments: Mapping[str, Any], *, queueing_lock: str, at: datetime
) -> Deferred:
    """As ``slide``, but a job that waits for less stays where it is."""
    born = await _insert(session, task, [arguments], Options(at=at, queueing_lock=queueing_lock), "hasten")
    return born[0]


async def slide_each(
    session: AsyncSession,
    task: AnyTask,
    arguments: Sequence[Mapping[str, Any]],
    *,
    queueing_locks: Sequence[str],
    ats: Sequence[datetime],
) -> list[Deferred]:
    """``slide`` for each of these arguments, each with a queueing lock and a time of its own, in one
    statement. No two of them may have the same queueing lock.
    """
    if not arguments:
        return []
    found, details = tasks.find(task if isinstance(task, str) else task.name)
    jobs = [
        {
            "args": stored,
            "lock": details.lock(**stored) if details.lock else found.lock,
            "queueing_lock": queueing_lock,
            "at": at,
        }
        for stored, queueing_lock, at in zip(
            (details.arguments.as_json(given) for given in arguments), queueing_locks, ats, strict=True
        )
    ]
    rows = await session.execute(
        _SLIDE_EACH,
        {
            "queue": found.queue,
            "task": found.name,
            "priority": found.priority,
            "jobs": to_json(jobs).decode(),
        },
    )
    return [Deferred(row.id, row.args, row.fresh) for row in rows]


def births(
    task: AnyTask,
    *,
    source: str,
    args: Mapping[str, str],
    job_id: str = NEXT_ID,
    limit_key: str = "null",
) -> str:
    """The INSERT of a job for each row of a statement, to stand in its WITH clause: for thousands of jobs
    that Python need not see. It returns ``id, args`` of each.

    Args:
        source: the part of the statement whose rows they are, e.g. ``taken``.
        args: by argument, the column or expression that it is; SQL of ours, never of a caller's.
        job_id: the expression for an id that was taken before.
        limit_key: the expression for ``Options.limit_key``.

    Raises:
        Invalid: the arguments don't fit the task, or at most one of its jobs may wait.
        NotFound: no such task.
    """
    found, columns = _columns(task, args)
    if found.queueing_lock is not None:
        raise Invalid(f"Of {found.name} only one job may wait.", field="task", fix="Defer it by itself.")
    return _BIRTHS.format(id=job_id, limit_key=limit_key, source=source, **columns)


def slides(task: AnyTask, *, source: str, args: Mapping[str, str], queueing_lock: tasks.Lock, at: str) -> str:
    """``slide_each`` for each row of a statement, to stand in its WITH clause as ``births`` does.

    Args:
        queueing_lock: spells it from the arguments.
        at: the expression for the time.

    Raises:
        Invalid: the arguments don't fit the task.
        NotFound: no such task.
    """
    _, columns = _columns(task, args)
    return _SLIDES.format(source=source, queueing_lock=_lock_in_sql(queueing_lock, args), at=at, **columns)


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
    stored = [details.arguments.as_json(given) for given in arguments]
    jobs = [{"args": args, "lock": details.lock(**args) if details.lock else found.lock} for args in stored]
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


def _columns(task: AnyTask, args: Mapping[str, str]) -> tuple[Task[Any, Any, Any], dict[str, Any]]:
    """What is the same of a task's jobs, in SQL."""
    found, details = tasks.find(task if isinstance(task, str) else task.name)
    details.arguments.check_names(args)
    pairs = ", ".join(f"{_quoted(name)}, {sql}" for name, sql in args.items())
    return found, {
        "queue": _quoted(found.queue),
        "task": _quoted(found.name),
        "priority": found.priority,
        "lock": _lock_in_sql(details.lock, args) if details.lock else _quoted(found.lock),
        "args": f"jsonb_build_object({pairs})",
    }


def _lock_in_sql(lock: tasks.Lock, args: Mapping[str, str]) -> str:
    """The lock as an expression: it is asked once, with a mark in the place of each value."""
    marks = {f"\x00{name}\x00": sql for name, sql in args.items()}
    spelled = lock(**dict(zip(args, marks, strict=True)))
    parts = re.split("(\x00\\w+\x00)", spelled)
    return " || ".join(f"({marks[part]})" if part in marks else _quoted(part) for part in parts if part)


def _quoted(literal: str | None) -> str:
    """As SQLAlchemy's ``text`` takes it: a colon would name a parameter."""
    return "null" if literal is None else "'" + literal.replace("'", "''").replace(":", r"\:") + "'"
