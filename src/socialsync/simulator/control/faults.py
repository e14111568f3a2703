"""``/_sim/faults``."""

from collections.abc import Iterable

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from socialsync.simulator.control.problems import Location, dotted, fields_beside, refused
from socialsync.simulator.faults import ACTIONS, parse_faults
from socialsync.simulator.world import Stage


def faults_door(stage: Stage) -> APIRouter:
    door = APIRouter(prefix="/faults")

    @door.post("")
    async def order(request: Request) -> JSONResponse:
        try:
            faults = parse_faults(await request.body())
        except ValidationError as problem:
            return refused(problem, _known, _field)
        ordered = stage.world.faults.order(faults)
        return JSONResponse({"faults": [each.as_json() for each in ordered]}, 201)

    @door.get("")
    async def listing() -> JSONResponse:
        return JSONResponse({"faults": [each.as_json() for each in stage.world.faults.listing()]})

    @door.delete("", status_code=204)
    async def clear() -> None:
        stage.world.faults.clear()

    return door


def _field(location: Location) -> str:
    """``faults[0].delay_s``: the location has the index, the action, then the names."""
    match location:
        case [int(index), *names]:
            inner = [str(name) for name in names[1:]] or (["action"] if not names else [])
            return dotted(["faults", index, *inner])
        case _:
            return "body"


def _known(location: Location) -> Iterable[str]:
    _, action, *names = location
    return fields_beside(ACTIONS[str(action)], names)
