"""What the app has opened for its endpoints."""

from datetime import timedelta
from typing import Annotated

from fastapi import Depends, FastAPI, Request

from socialsync.errors import Temporary
from socialsync.resources import Resources


class StillStarting(Temporary):
    """The process has not opened what it needs yet."""


def put(app: FastAPI, resources: Resources) -> None:
    """Hand these resources to the endpoints of this app."""
    app.state.resources = resources


async def get(request: Request) -> Resources:
    """Raises StillStarting."""
    resources: Resources | None = getattr(request.app.state, "resources", None)
    if resources is None:
        raise StillStarting("SocialSync is still starting.", retry_after=timedelta(seconds=2))
    return resources


Opened = Annotated[Resources, Depends(get)]
"""For endpoints: ``async with opened.database.transaction(principal.workspace_id) as session``."""
