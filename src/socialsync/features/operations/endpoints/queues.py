"""``/api/v1/queues``: for whoever runs the installation."""

from typing import Annotated

from fastapi import Path
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.api.opened import Opened
from socialsync.api.pages import PagedByName
from socialsync.api.principal import InstallationOperator, InstallationReader
from socialsync.api.routing import Router
from socialsync.api.schemas import Page
from socialsync.features.operations.endpoints.reach import Text, by
from socialsync.features.operations.schemas import Purged, QueueAnswer
from socialsync.queue import inspection, switches

router = Router(prefix="/api/v1/queues", tags=["queues"])
Name = Annotated[Text, Path(max_length=128)]


@router.get("", summary="List the queues and what waits in them")
async def list_queues(_caller: InstallationReader, opened: Opened, paged: PagedByName) -> Page[QueueAnswer]:
    """Every queue that ever had a job, by name."""
    async with opened.database.system_transaction("the queues of the installation are shown") as session:
        await inspection.bound(session)
        found = await inspection.queues(session)
    return paged.page(found, lambda row: row.name, QueueAnswer.model_validate)


@router.post("/{name}/pause", summary="Pause a queue")
async def pause_queue(name: Name, caller: InstallationOperator, opened: Opened) -> QueueAnswer:
    """Nothing more is taken from it, by any worker; what runs goes on. A paused queue stays paused."""
    async with opened.database.system_transaction("somebody pauses a queue") as session:
        await switches.pause(session, name, by(caller))
        return await _show(session, name)


@router.post("/{name}/resume", summary="Resume a queue")
async def resume_queue(name: Name, caller: InstallationOperator, opened: Opened) -> QueueAnswer:
    """Workers look at it at once."""
    async with opened.database.system_transaction("somebody resumes a queue") as session:
        await switches.resume(session, name, by(caller))
        return await _show(session, name)


@router.post("/{name}/purge", summary="Delete the jobs that wait in a queue")
async def purge_queue(name: Name, caller: InstallationOperator, opened: Opened) -> Purged:
    """Of all workspaces, scheduled ones and retries too; what runs goes on. It cannot be undone."""
    return Purged(queue=name, deleted=await switches.purge(opened.database, name, by(caller)))


async def _show(session: AsyncSession, name: str) -> QueueAnswer:
    return QueueAnswer.model_validate(await inspection.get_queue(session, name))
