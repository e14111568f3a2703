"""The doors of the simulator, put together."""

from fastapi import FastAPI

from socialsync.simulator.control import control_door
from socialsync.simulator.graph.door import graph_door
from socialsync.simulator.openai import openai_door
from socialsync.simulator.world import Setup, Stage


def create_app(setup: Setup | None = None) -> FastAPI:
    """A world of its own. Serve it with `server_for`: other servers cannot lose answers."""
    stage = Stage(setup or Setup())
    app = FastAPI(title="SocialSync simulator", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(control_door(stage))
    app.include_router(openai_door(stage))
    # Last, because it takes every path that begins with a version
    app.include_router(graph_door(stage))
    return app
