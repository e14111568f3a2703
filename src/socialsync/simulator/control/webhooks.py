"""``/_sim/webhooks``: whom to tell."""

from functools import partial

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import Field, SecretStr, ValidationError, field_validator

from socialsync.simulator.control.problems import fields_beside, refused
from socialsync.simulator.faults.base import Strict
from socialsync.simulator.webhooks import Callback
from socialsync.simulator.world import Stage


class Wanted(Strict):
    """Whom to tell, with how many calls at a time."""

    url: str
    app_secret: SecretStr
    calls: int = Field(default=1, ge=1, le=100)

    @field_validator("url")
    @classmethod
    def _can_be_called(cls, url: str) -> str:
        Callback(url, "")
        return url


def webhooks_door(stage: Stage) -> APIRouter:
    door = APIRouter(prefix="/webhooks")

    @door.post("")
    async def want(request: Request) -> JSONResponse:
        try:
            wanted = Wanted.model_validate_json(await request.body())
        except ValidationError as problem:
            return refused(problem, partial(fields_beside, Wanted))
        callback = Callback(wanted.url, wanted.app_secret.get_secret_value())
        stage.world.webhooks.call_at(callback, wanted.calls)
        return JSONResponse(stage.world.webhooks.as_json(), 201)

    @door.get("")
    async def wanted() -> JSONResponse:
        return JSONResponse(stage.world.webhooks.as_json())

    @door.post("/lost")
    async def lose() -> JSONResponse:
        stage.world.webhooks.loses = True
        return JSONResponse(stage.world.webhooks.as_json(), 201)

    @door.delete("/lost")
    async def lose_no_more() -> JSONResponse:
        stage.world.webhooks.loses = False
        return JSONResponse(stage.world.webhooks.as_json())

    @door.delete("", status_code=204)
    async def silence() -> None:
        stage.world.silence()

    return door
