"""``/docs``: Swagger UI from our own files, because the network may be closed where SocialSync runs."""

from pathlib import Path

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

STATIC = Path(__file__).parent / "static"


def install(app: FastAPI) -> None:
    app.add_route("/docs", _page, include_in_schema=False)
    app.mount("/docs/assets", StaticFiles(directory=STATIC), name="docs assets")


async def _page(_request: Request) -> Response:
    return FileResponse(STATIC / "docs.html", headers={"Cache-Control": "no-cache"})
