"""The web door: ``uvicorn socialsync.app:app``."""

from fastapi import FastAPI

from socialsync import later

with later.unswept():
    from socialsync.app.factory import create_app

__all__ = ["create_app"]


def __getattr__(name: str) -> FastAPI:
    """``app`` is made when it is asked for, so that importing this package reads no environment."""
    if name == "app":
        with later.unswept():
            globals()["app"] = made = create_app()
        return made
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
