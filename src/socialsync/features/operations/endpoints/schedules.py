"""``/api/v1/schedules``: for whoever runs the installation."""

from typing import Annotated

from fastapi import Path, Response
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.api.idempotency import AskedOnce, once
from socialsync.api.opened import Opened
from socialsync.api.pages import PagedByName
from socialsync.api.principal import InstallationOperator, InstallationReader
from socialsync.api.routing import Router
from socialsync.api.schemas import Page
from socialsync.features.operations.endpoints.reach import Text, by
from socialsync.features.operations.schemas import Deferred, NewSchedule, ScheduleAnswer, ScheduleChanges
from socialsync.queue import inspection, switches
from socialsync.queue.schedules import New

router = Router(prefix="/api/v1/schedules", tags=["schedules"])
Name = Annotated[Text, Path(max_length=200)]


@router.get("", summary="List the schedules and when each comes next")
async def list_schedules(
    _caller: InstallationReader, opened: Opened, paged: PagedByName
) -> Page[ScheduleAnswer]:
    """By name."""
    async with opened.database.system_transaction("the schedules of the installation are shown") as session:
        await inspection.bound(session)
        found = await inspection.schedules(session)
    return paged.page(found, lambda row: row.name, ScheduleAnswer.model_validate)


@router.post("", status_code=201, response_model=ScheduleAnswer, summary="Add a schedule")
async def add_schedule(
    body: NewSchedule, caller: InstallationOperator, opened: Opened, asked: AskedOnce
) -> Response:
    """It counts from now: the first tick is the next instant of its rule."""

    async def make() -> ScheduleAnswer:
        await switches.add_schedule(session, New(**body.model_dump()), by(caller))
        return await _show(session, body.name)

    async with opened.database.system_transaction("somebody adds a schedule") as session:
        return await once(session, asked, make)


@router.patch("/{name}", summary="Change a schedule, or switch it on or off")
async def edit_schedule(
    name: Name, body: ScheduleChanges, caller: InstallationOperator, opened: Opened
) -> ScheduleAnswer:
    """A new rule counts from now."""
    async with opened.database.system_transaction("somebody edits a schedule") as session:
        await switches.edit_schedule(session, name, body.given(), by(caller))
        return await _show(session, name)


@router.delete("/{name}", status_code=204, summary="Remove a schedule")
async def remove_schedule(name: Name, caller: InstallationOperator, opened: Opened) -> None:
    """For good: one that came with SocialSync does not come back, but can be added again."""
    async with opened.database.system_transaction("somebody removes a schedule") as session:
        await switches.remove_schedule(session, name, by(caller))


@router.post("/{name}/run", status_code=202, response_model=Deferred, summary="Run a schedule's job now")
async def run_schedule(
    name: Name, caller: InstallationOperator, opened: Opened, asked: AskedOnce
) -> Response:
    """Besides its ticks. A job of it that still waits is replaced."""

    async def make() -> Deferred:
        return Deferred(job_id=await switches.run_schedule(session, name, by(caller)))

    async with opened.database.system_transaction("somebody runs a schedule now") as session:
        return await once(session, asked, make, status=202)


async def _show(session: AsyncSession, name: str) -> ScheduleAnswer:
    return ScheduleAnswer.model_validate(await inspection.get_schedule(session, name))
