"""What a command has opened while it works."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from socialsync import registry, settings
from socialsync.resources import Resources, open_resources

T = TypeVar("T")


def with_resources(work: Callable[[Resources], Awaitable[T]]) -> T:
    """Open what the environment names, do the work, close it. All tables and tasks are known to the work."""
    registry.load()

    async def run() -> T:
        async with open_resources(settings.load()) as resources:
            return await work(resources)

    return asyncio.run(run())
