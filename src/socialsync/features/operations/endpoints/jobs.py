"""``/api/v1/jobs``."""

from typing import Annotated

from fastapi import Query, Response
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.api.callers import Principal
from socialsync.api.idempotency import AskedOnce, once
from socialsync.api.opened import Opened
from socialsync.api.pages import Paged, encode_number
from socialsync.api.principal import AnyOperator, AnyReader
from socialsync.api.routing import Router
from socialsync.api.schemas import Page, RowNumber
from socialsync.features.operations import waiting
from socialsync.features.operations.endpoints.reach import Text, by, reaching
from socialsync.features.operations.schemas import JobAnswer, JobDetailAnswer, Rerun
from socialsync.queue import controls, history, inspection
from socialsync.queue.history import Filters, Status

router = Router(prefix="/api/v1/jobs", tags=["jobs"])
LONGEST_WAIT_S = 60
_AS_BEFORE = Rerun()


@router.get("", summary="List jobs, newest first")
async def list_jobs(
    *,
    caller: AnyReader,
    opened: Opened,
    paged: Paged,
    queue: Annotated[Text | None, Query(max_length=128)] = None,
    task: Annotated[Text | None, Query(max_length=128)] = None,
    status: Status | None = None,
    q: Annotated[
        Text | None,
        Query(max_length=200, description="Stands in the task's name, the arguments or the lock; or an id."),
    ] = None,
) -> Page[JobAnswer]:
    """A workspace's key sees its own. A search reads so many jobs a page: a page may be short, even empty,
    and still have a `next_cursor`.
    """
    filters = Filters(queue=queue, task=task, status=status, q=q, workspace_id=caller.workspace_id)
    async with reaching(opened.database, caller) as session:
        await inspection.bound(session)
        found = await history.list_jobs(session, filters, before=paged.number, limit=paged.limit)
    items = [JobAnswer.model_validate(job) for job in found.jobs]
    return Page(items=items, next_cursor=encode_number(found.next_before))


@router.get("/{job_id}", summary="See a job: what happened, and what came of it")
async def get_job(
    job_id: RowNumber,
    caller: AnyReader,
    opened: Opened,
    wait: Annotated[
        float,
        Query(ge=0, le=LONGEST_WAIT_S, allow_inf_nan=False, description="Seconds to wait for its end."),
    ] = 0,
) -> JobDetailAnswer:
    """With `wait` the answer comes when the job has ended, or after so many seconds as it is then."""
    await waiting.until_ended(lambda: reaching(opened.database, caller), job_id, by(caller), within=wait)
    async with reaching(opened.database, caller) as session:
        return await _show(session, job_id, caller)


@router.post("/{job_id}/cancel", summary="Cancel a job that waits")
async def cancel_job(job_id: RowNumber, caller: AnyOperator, opened: Opened) -> JobDetailAnswer:
    """409 once it runs (abort it instead) or has ended."""
    async with reaching(opened.database, caller) as session:
        await controls.cancel(session, job_id, by(caller))
        return await _show(session, job_id, caller)


@router.post("/{job_id}/abort", summary="Abort a job that runs")
async def abort_job(job_id: RowNumber, caller: AnyOperator, opened: Opened) -> JobDetailAnswer:
    """Its worker ends it where it awaits, within 5 s even one that ignores it; it is not tried again. 409
    unless it runs.
    """
    async with reaching(opened.database, caller) as session:
        await controls.abort(session, job_id, by(caller))
        return await _show(session, job_id, caller)


@router.post("/{job_id}/retry", summary="Try a job again that failed, was aborted or cancelled")
async def retry_job(job_id: RowNumber, caller: AnyOperator, opened: Opened) -> JobDetailAnswer:
    """It waits in its queue again, to run at once. 409 in any other state, or beside a waiting twin."""
    async with reaching(opened.database, caller) as session:
        await controls.retry(session, job_id, by(caller))
        return await _show(session, job_id, caller)


@router.post(
    "/{job_id}/rerun",
    status_code=201,
    response_model=JobDetailAnswer,
    summary="Run a job again as a new one, changed or not",
)
async def rerun_job(
    job_id: RowNumber, caller: AnyOperator, opened: Opened, asked: AskedOnce, body: Rerun = _AS_BEFORE
) -> Response:
    """The old one stays as it is; to edit a job that waits, cancel it and run it again changed."""

    async def make() -> JobDetailAnswer:
        new_id = await controls.rerun(
            session, job_id, by(caller), args=body.args, queue=body.queue, schedule_at=body.schedule_at
        )
        return await _show(session, new_id, caller)

    async with reaching(opened.database, caller) as session:
        return await once(session, asked, make)


async def _show(session: AsyncSession, job_id: int, caller: Principal) -> JobDetailAnswer:
    job = await history.get_job(session, job_id, workspace_id=caller.workspace_id)
    return JobDetailAnswer.model_validate(job)
