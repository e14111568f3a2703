"""``/_sim``: the door of those who test. It shows what the world saw and orders what shall go wrong."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse

from socialsync.simulator.control.comments import comments_door
from socialsync.simulator.control.faults import faults_door
from socialsync.simulator.control.guide import GUIDE
from socialsync.simulator.control.inbound import inbound_door
from socialsync.simulator.control.media import media_door
from socialsync.simulator.control.pages import pages_door
from socialsync.simulator.control.problems import only_known_queries
from socialsync.simulator.control.setup import setup_door
from socialsync.simulator.control.webhooks import webhooks_door
from socialsync.simulator.world import Stage


def control_door(stage: Stage) -> APIRouter:
    door = APIRouter(prefix="/_sim")
    strict = [Depends(only_known_queries)]
    for steering in (faults_door, webhooks_door, inbound_door, comments_door, setup_door):
        door.include_router(steering(stage), dependencies=strict)
    door.include_router(media_door())
    door.include_router(pages_door())

    @door.get("/")
    async def guide() -> dict[str, Any]:
        return GUIDE

    @door.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @door.get("/ledger", dependencies=strict)
    async def ledger(
        kind: Annotated[Sequence[str], Query()] = (), account: Annotated[Sequence[str], Query()] = ()
    ) -> JSONResponse:
        return JSONResponse(stage.world.ledger.as_json(kind, account))

    @door.post("/reset", status_code=204, dependencies=strict)
    async def reset() -> None:
        stage.reset()

    return door
