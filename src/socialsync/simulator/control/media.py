"""``/_sim/media``: pictures and films to post."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from socialsync.simulator.media import SIDE, SIDES, Size, jpeg, mp4

_Side = Annotated[int, Query(ge=SIDES.start, lt=SIDES.stop)]
_Seconds = Annotated[int, Query(ge=1, le=24 * 3600)]
_METHODS = ["GET", "HEAD"]


def media_door() -> APIRouter:
    door = APIRouter(prefix="/media")

    @door.api_route("/{name}.jpg", methods=_METHODS)
    async def picture(name: str, width: _Side = SIDE, height: _Side = SIDE) -> Response:
        return Response(jpeg(name, Size(width, height)), media_type="image/jpeg")

    @door.api_route("/{name}.mp4", methods=_METHODS)
    async def film(name: str, width: _Side = 1080, height: _Side = 1920, seconds: _Seconds = 5) -> Response:
        return Response(mp4(name, Size(width, height), seconds), media_type="video/mp4")

    return door
