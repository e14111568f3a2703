"""What people do to jobs. Each deed leaves a row in the audit log, in its own transaction.

What the job's state forbids is a ``Conflict`` that says what to do instead. Queues, workers and schedules
are in ``switches.py``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import Row, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.db import audit
from socialsync.errors import Conflict, Forbidden, Invalid, NotFound
from socialsync.queue import deferring, tasks
from socialsync.queue.deferring import AlreadyWaiting
from socialsync.queue.history import LARGEST_ID, no_such


@dataclass(frozen=True, slots=True)
class By:
    """Who does it.

    Args:
        actor: for the audit log, e.g. ``key:ss_1a2b3c`` or ``cli``.
        workspace_id: the only one whose jobs the actor may touch; None for whoever runs the installation.
    """

    actor: str
    workspace_id: UUID | None = None


class WrongState(Conflict):
    """The job is in a state in which this cannot be done."""


class UnknownTask(Conflict):
    """No process of this installation knows the task."""


_LOCK = text("""
select id, status::text as status, task_name, queue_name, priority, lock, queueing_lock, args, x_limit_key
from procrastinate_jobs
where id = :id and (cast(:workspace_id as text) is null or args ->> 'workspace_id' = :workspace_id)
for update
""")
_CANCEL = text(
    "update procrastinate_jobs set status = 'cancelled', x_finished_at = clock_timestamp() where id = :id"
)
_ABORT = text("update procrastinate_jobs set abort_requested = true where id = :id and not abort_requested")
_TWIN = text("select id from procrastinate_jobs where queueing_lock = :queueing_lock and status = 'todo'")
_RETRY = text("""
update procrastinate_jobs set status = 'todo', scheduled_at = clock_timestamp(), x_finished_at = null,
    x_expires_at = null, abort_requested = false, worker_id = null
where id = :id
""")
_RETRIED = text("insert into procrastinate_events (job_id, type, at) values (:id, 'retried', now())")
_RERUN = text("""
insert into procrastinate_jobs
    (queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at, x_rerun_of, x_limit_key)
values (:queue, :task, :priority, :lock, :queueing_lock, cast(:args as jsonb), cast(:at as timestamptz), :of,
    :limit_key)
on conflict (queueing_lock) where status = 'todo' do nothing
returning id
""")
_ANNOUNCED = text("select true from task_info where name = :task or :task = any (aliases)")
_ENDED_BADLY = frozenset({"failed", "aborted", "cancelled"})


async def cancel(session: AsyncSession, job_id: int, by: By) -> None:
    """Cancel a job that waits; it will not run.

    Raises:
        NoSuchJob, WrongState.
    """
    job = await _lock(session, job_id, by)
    if job.status == "doing":
        raise WrongState(f"Job {job_id} runs already.", fix="Abort it instead.")
    if job.status != "todo":
        raise WrongState(f"Job {job_id} has ended: {job.status}.")
    await session.execute(_CANCEL, {"id": job_id})
    await _record(session, by, "cancelled", job)


async def abort(session: AsyncSession, job_id: int, by: By) -> None:
    """Have a running job's worker end it: its task is cancelled where it awaits, and it is not tried again.
    One that ignores it ends with its process.

    Raises:
        NoSuchJob, WrongState.
    """
    job = await _lock(session, job_id, by)
    if job.status == "todo":
        raise WrongState(f"Job {job_id} does not run.", fix="Cancel it instead.")
    if job.status != "doing":
        raise WrongState(f"Job {job_id} has ended: {job.status}.")
    await session.execute(_ABORT, {"id": job_id})
    await _record(session, by, "abort_requested", job)


async def revoke(session: AsyncSession, job_id: int, by: By, *, terminate: bool = False) -> None:
    """Cancel a job that waits; with ``terminate`` abort one that runs. As Celery's command of that name.

    Raises:
        NoSuchJob, WrongState.
    """
    job = await _lock(session, job_id, by)
    await (abort if terminate and job.status == "doing" else cancel)(session, job_id, by)


async def retry(session: AsyncSession, job_id: int, by: By) -> None:
    """Put a job that failed, was aborted or cancelled back into its queue, to run at once.

    It keeps its number of attempts: where its policy allows no more, this is one more and the last.

    Raises:
        NoSuchJob, WrongState.
        AlreadyWaiting: another job with its queueing lock waits.
    """
    job = await _lock(session, job_id, by)
    if job.status not in _ENDED_BADLY:
        said = {"todo": "waits already", "doing": "runs"}.get(job.status, "succeeded")
        raise WrongState(
            f"Job {job_id} {said}.", fix="Run it again as a new job: rerun." if said == "succeeded" else None
        )
    await _check_twin(session, job)
    try:
        await session.execute(_RETRY, {"id": job_id})
    except IntegrityError:
        raise _taken(job.queueing_lock) from None
    if job.status != "failed":
        await session.execute(_RETRIED, {"id": job_id})  # of a failed one the trigger tells
    await _record(session, by, "retried", job, was=job.status)


async def rerun(
    session: AsyncSession,
    job_id: int,
    by: By,
    *,
    args: Mapping[str, Any] | None = None,
    queue: str | None = None,
    schedule_at: datetime | None = None,
) -> int:
    """Defer a new job like this one, which may be in any state, and return its id.

    Args:
        args: all of them, instead of the old ones.
        queue: another one.
        schedule_at: aware; None: at once.

    Raises:
        NoSuchJob.
        Invalid: the arguments don't fit the task; names ``args.<argument>``. Or the queue is none, or
            not one that a workspace's key may name.
        Forbidden: the arguments name another workspace than the caller's.
        UnknownTask: nobody would run it.
        AlreadyWaiting: a job with its queueing lock waits; cancel that one first.
    """
    job = await _lock(session, job_id, by)
    await _check_queue(session, queue, by)
    old: dict[str, Any] = job.args if isinstance(job.args, dict) else {}
    given = dict(old if args is None else args)
    _check_workspace(given, by)
    stored, lock = await _fit(session, job, given)
    if by.workspace_id is not None and "workspace_id" not in given:
        raise Invalid("is missing", field="args.workspace_id", fix="Send it as it was.")
    same_owner = stored.get("workspace_id") == old.get("workspace_id")
    new_id: int | None = await session.scalar(
        _RERUN,
        {
            "queue": queue or job.queue_name,
            "task": job.task_name,
            "priority": job.priority,
            "lock": lock,
            "queueing_lock": job.queueing_lock,
            "args": to_json(stored).decode(),
            "at": schedule_at,
            "of": job_id,
            "limit_key": job.x_limit_key if same_owner else None,
        },
    )
    if new_id is None:
        await _check_twin(session, job)
        raise _taken(job.queueing_lock)
    await _record(session, by, "rerun", job, as_job=new_id)
    return new_id


async def _lock(session: AsyncSession, job_id: int, by: By) -> "Row[Any]":
    values = {"id": job_id, "workspace_id": by.workspace_id and str(by.workspace_id)}
    found = (await session.execute(_LOCK, values)).first() if 0 < job_id <= LARGEST_ID else None
    if found is None:
        raise no_such(job_id)
    return found


async def _check_twin(session: AsyncSession, job: "Row[Any]") -> None:
    if job.queueing_lock is not None:
        twin = await session.scalar(_TWIN, {"queueing_lock": job.queueing_lock})
        if twin is not None:
            raise _taken(job.queueing_lock, twin)


def _taken(queueing_lock: str, twin: int | None = None) -> AlreadyWaiting:
    which = "A job" if twin is None else f"Job {twin}"
    return AlreadyWaiting(
        f"{which} with the same queueing lock, {queueing_lock!r}, waits already.",
        fix="Cancel that one first.",
    )


async def _check_queue(session: AsyncSession, queue: str | None, by: By) -> None:
    """A workspace must not fill the installation with queues of its invention."""
    deferring.check_queue(queue)
    if queue is not None and by.workspace_id is not None and not await deferring.is_known(session, queue):
        raise Invalid(
            f"No job, no task and no worker names the queue {queue!r}.",
            field="queue",
            fix="Name one of those.",
        )


def _check_workspace(given: Mapping[str, Any], by: By) -> None:
    own = by.workspace_id and str(by.workspace_id)
    if own is not None and given.get("workspace_id", own) != own:
        raise Forbidden(
            "The job would be another workspace's.",
            field="args.workspace_id",
            fix="Leave it as it is: a workspace's key acts in its own workspace.",
        )


async def _fit(
    session: AsyncSession, job: "Row[Any]", given: dict[str, Any]
) -> tuple[dict[str, Any], str | None]:
    """The arguments as they are stored, and the lock they lead to. What only workers know they check."""
    try:
        _, details = tasks.find(job.task_name)
    except NotFound:
        if await session.scalar(_ANNOUNCED, {"task": job.task_name}):
            return given, job.lock
        raise UnknownTask(f"No worker knows the task {job.task_name!r}.", field="task") from None
    try:
        stored = details.arguments.as_json(given)
    except Invalid as error:
        raise Invalid(error.message, field=f"args.{error.field}", fix=error.fix) from None
    return stored, details.lock(**stored) if details.lock else job.lock


async def _record(session: AsyncSession, by: By, verb: str, job: "Row[Any]", **more: Any) -> None:
    await audit.record(
        session,
        actor=by.actor,
        action=f"jobs.{verb}",
        subject=f"job:{job.id}",
        workspace_id=by.workspace_id,
        detail={"task": job.task_name, "queue": job.queue_name, **more},
    )
