"""``/_sim/setup``: how the world behaves while no fault says otherwise."""

import re
from dataclasses import asdict, replace
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, Field, ValidationError

from socialsync.simulator.control.problems import fields_beside, refused
from socialsync.simulator.faults.base import Strict
from socialsync.simulator.world import Setup, Stage

_DECORATION = re.compile(r"[\s()+-]")
_Seconds = Annotated[float, Field(ge=0, le=7 * 24 * 3600)]
_Count = Annotated[int, Field(ge=0, le=10**9)]


def _person(spelled: str) -> str:
    """A phone number by its digits only, as messages know it."""
    digits = _DECORATION.sub("", spelled)
    return digits if digits.isdigit() else spelled


class Change(Strict):
    """What is given changes; the fields are those of `Setup`."""

    processing_reads: _Count = 0
    processing_s: _Seconds = 0.0
    video_processing_s: _Seconds = 0.0
    quota_total: _Count = 0
    throughput_per_s: _Count = 0
    pair_burst: _Count = 0
    pair_interval_s: _Seconds = 0.0
    opted_out: frozenset[Annotated[str, AfterValidator(_person)]] = frozenset()
    statuses: tuple[Literal["sent", "delivered", "read", "played"], ...] = ()
    statuses_pause_s: _Seconds = 0.0


def setup_door(stage: Stage) -> APIRouter:
    door = APIRouter(prefix="/setup")

    @door.get("")
    async def setup() -> JSONResponse:
        return JSONResponse(_shown(stage.world.setup))

    @door.post("")
    async def change(request: Request) -> JSONResponse:
        try:
            wanted = Change.model_validate_json(await request.body())
        except ValidationError as problem:
            return refused(problem, partial(fields_beside, Change))
        given = {name: getattr(wanted, name) for name in wanted.model_fields_set}
        stage.world.setup = replace(stage.world.setup, **given)
        return JSONResponse(_shown(stage.world.setup))

    return door


def _shown(setup: Setup) -> dict[str, Any]:
    shown = {name: value for name, value in asdict(setup).items() if name in Change.model_fields}
    return shown | {"opted_out": sorted(setup.opted_out)}
