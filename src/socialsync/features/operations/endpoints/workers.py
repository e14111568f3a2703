"""``/api/v1/workers``: for whoever runs the installation."""

from typing import Annotated

from fastapi import Path

from socialsync.api.opened import Opened
from socialsync.api.pages import PagedByName
from socialsync.api.principal import InstallationOperator, InstallationReader
from socialsync.api.routing import Router
from socialsync.api.schemas import Page
from socialsync.features.operations.endpoints.reach import Text, by
from socialsync.features.operations.schemas import WorkerAnswer, WorkersAsked
from socialsync.queue import inspection, switches
from socialsync.queue.shapes import WorkerState

router = Router(prefix="/api/v1/workers", tags=["workers"])
Worker = Annotated[Text, Path(max_length=200, description="A worker's id, or its name.")]


@router.get("", summary="List the workers and how busy they are")
async def list_workers(_caller: InstallationReader, opened: Opened, paged: PagedByName) -> Page[WorkerAnswer]:
    """By name; the dead until others have given their jobs back."""
    async with opened.database.system_transaction("the workers of the installation are shown") as session:
        await inspection.bound(session)
        found = await inspection.workers(session)
    return paged.page(found, _key, WorkerAnswer.model_validate)


@router.post("/{worker_id}/drain", status_code=202, summary="Have a worker leave once its jobs have ended")
async def drain_worker(worker_id: Worker, caller: InstallationOperator, opened: Opened) -> WorkersAsked:
    """It takes nothing more from now on. 409 when it gives no sign of life."""
    async with opened.database.system_transaction("somebody drains a worker") as session:
        return WorkersAsked(workers=await switches.drain(session, worker_id, by(caller)), wanted="drain")


@router.post("/{worker_id}/stop", status_code=202, summary="Have a worker leave at once")
async def stop_worker(worker_id: Worker, caller: InstallationOperator, opened: Opened) -> WorkersAsked:
    """What it runs is cancelled and put back into its queue. 409 when it gives no sign of life."""
    async with opened.database.system_transaction("somebody stops a worker") as session:
        return WorkersAsked(workers=await switches.stop(session, worker_id, by(caller)), wanted="stop")


def _key(worker: WorkerState) -> str:
    return f"{worker.name}\0{worker.id:020}"
