"""``/_sim``: the door of those who test. It shows what the world saw and orders what shall go wrong."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from socialsync.simulator.control.comments import comments_door
from socialsync.simulator.control.faults import faults_door
from socialsync.simulator.control.guide import GUIDE
from socialsync.simulator.control.inbound import inbound_door
from socialsync.simulator.control.media import media_door
from socialsync.simulator.control.pages import pages_door
from socialsync.simulator.control.setup import setup_door
from socialsync.simulator.control.webhooks import webhooks_door
from socialsync.simulator.world import Stage


def control_door(stage: Stage) -> APIRouter:
    door = APIRouter(prefix="/_sim")
    door.include_router(faults_door(stage))
    door.include_router(webhooks_door(stage))
    door.include_router(inbound_door(stage))
    door.include_router(comments_door(stage))
    door.include_router(setup_door(stage))
    door.include_router(media_door())
    door.include_router(pages_door())

    @door.get("/")
    async def guide() -> dict[str, Any]:
        return GUIDE

    @door.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @door.get("/ledger")
    async def ledger(
        kind: Annotated[Sequence[str], Query()] = (), account: Annotated[Sequence[str], Query()] = ()
    ) -> JSONResponse:
        return JSONResponse(stage.world.ledger.as_json(kind, account))

    @door.post("/reset", status_code=204)
    async def reset() -> None:
        stage.reset()

    return door
