"""``/_sim``: the door of those who test. It shows what the world saw and orders what shall go wrong."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError

from socialsync.simulator.faults import parse_faults
from socialsync.simulator.picture import jpeg
from socialsync.simulator.world import Stage

GUIDE = {
    "name": "SocialSync simulator",
    "plays": {"/v<major>.<minor>/...": "Meta Graph: Instagram publishing, WhatsApp messages"},
    "control": {
        "GET /_sim/ledger?kind=&account=": "every effect the outside world saw, and request counts",
        "POST /_sim/faults": "order one fault or a list: {match, action, times, skip, probability, ...}",
        "GET /_sim/faults": "the faults ordered, with how often each hit",
        "DELETE /_sim/faults": "take all of them back",
        "POST /_sim/reset": "forget everything",
        "GET /_sim/media/<name>.jpg": "a picture to post",
        "GET /_sim/health": "whether it runs",
    },
}


def control_door(stage: Stage) -> APIRouter:
    door = APIRouter(prefix="/_sim")
    _add_faults(door, stage)

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

    @door.get("/media/{name}.jpg")
    async def media(name: str) -> Response:
        return Response(jpeg(name), media_type="image/jpeg")

    return door


def _add_faults(door: APIRouter, stage: Stage) -> None:
    @door.post("/faults")
    async def order(request: Request) -> JSONResponse:
        try:
            faults = parse_faults(await request.body())
        except ValidationError as problem:
            return JSONResponse({"detail": _problems(problem)}, 422)
        ordered = stage.world.faults.order(faults)
        return JSONResponse({"faults": [each.as_json() for each in ordered]}, 201)

    @door.get("/faults")
    async def listing() -> JSONResponse:
        return JSONResponse({"faults": [each.as_json() for each in stage.world.faults.listing()]})

    @door.delete("/faults", status_code=204)
    async def clear() -> None:
        stage.world.faults.clear()


def _problems(invalid: ValidationError) -> list[dict[str, str]]:
    """Without the inputs, which may hold a token."""
    return [
        {"field": _field(problem["loc"]), "problem": problem["msg"]}
        for problem in invalid.errors(include_input=False, include_url=False)
    ]


def _field(location: Sequence[int | str]) -> str:
    """``faults[0].delay_s``: the location has the index, the action, then the names."""
    match location:
        case [int(index), *names]:
            inner = [str(name) for name in names[1:]] or (["action"] if not names else [])
            return ".".join([f"faults[{index}]", *inner])
        case _:
            return "body"
