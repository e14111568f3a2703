"""Puts the web door together: rooms, errors, limits, documentation."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import metadata
from types import ModuleType

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute

from socialsync import registry, settings, telemetry
from socialsync.api import errors, opened, principal
from socialsync.api.access import Access
from socialsync.api.bodies import MIB, BodyLimit
from socialsync.api.strictness import only_known_queries
from socialsync.app import docs
from socialsync.app.openapi import DESCRIPTION, TAGS, DescribedApp
from socialsync.db import urls
from socialsync.features.accounts.authentication import KeyAuthenticator
from socialsync.features.webhooks import endpoints, pulse
from socialsync.resources import Resources, open_resources

BODY_LIMITS: list[tuple[str, int]] = [
    ("/api/v1/documents", 52 * MIB),
    ("/api/v1/posts/bulk", 32 * MIB),
    ("/webhooks/", 4 * MIB),
]
"""Paths that take more, or less, than ``bodies.USUAL``: the path's beginning, and bytes."""


def create_app(resources: Resources | None = None) -> FastAPI:
    """The application.

    Args:
        resources: what it uses, opened and closed by the caller. Without them the environment says where
            everything is, and the application's lifespan opens it; a Postgres at DATABASE_URL may be away
            then and come later, the embedded one is started.

    Raises:
        SystemExit: an invalid environment, told in one line.
    """
    environment = settings.load_or_exit() if resources is None else None
    registry.load()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if environment is None:
            yield
            return
        telemetry.configure(level=environment.log_level, form=environment.log_format)
        found = await asyncio.to_thread(urls.resolve, environment)
        environment.make_secrets()
        async with open_resources(environment, found=found) as own, pulse.beating(own.database):
            _put(app, own)
            yield

    app = DescribedApp(
        title="SocialSync",
        version=metadata.version("socialsync"),
        description=DESCRIPTION,
        openapi_tags=TAGS,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        generate_unique_id_function=_operation_id,
    )
    errors.install(app)
    docs.install(app)
    for room in sorted(registry.parts("endpoints"), key=_asked_last):
        app.include_router(room.router, dependencies=[Depends(only_known_queries)])
    app.add_middleware(BodyLimit, limits=BODY_LIMITS)
    app.add_middleware(Access)  # added last, so outermost
    if resources is not None:
        _put(app, resources)
    return app


def _put(app: FastAPI, resources: Resources) -> None:
    opened.put(app, resources)
    principal.install(app, KeyAuthenticator(resources.database))
    endpoints.install(app, resources.database)


def _asked_last(room: ModuleType) -> bool:
    """Routes are tried one after the other: those first that come by the hundred."""
    return room is not endpoints


def _operation_id(route: APIRoute) -> str:
    return route.name
