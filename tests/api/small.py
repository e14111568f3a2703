"""A small application with the real plumbing and endpoints of a test's own."""

from collections.abc import Callable
from typing import Any

import httpx
from fastapi import FastAPI

from socialsync.api import errors
from socialsync.api.access import Access
from socialsync.api.bodies import BodyLimit
from socialsync.api.routing import Router
from tests.conftest import calling


def small_app(**endpoints: Callable[..., Any]) -> FastAPI:
    """Each endpoint answers to POST at its name."""
    app = FastAPI()
    errors.install(app)
    router = Router()
    for name, endpoint in endpoints.items():
        router.post(f"/{name}")(endpoint)
    app.include_router(router)
    app.add_middleware(BodyLimit)
    app.add_middleware(Access)
    return app


async def post(app: FastAPI, path: str, **request: Any) -> httpx.Response:
    async with calling(app) as client:
        return await client.post(path, **request)


def raising(error: Exception) -> Callable[[], Any]:
    async def endpoint() -> None:
        raise error

    return endpoint
