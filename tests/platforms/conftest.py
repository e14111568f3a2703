"""A world that misbehaves as told, and the platforms opened towards it."""

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest

from socialsync.platforms import Platforms, Sender, open_platforms
from tests.platforms.world import World

TOKEN = "EAAGm0PX4ZCpsBAKZCdoNotShowMe"


@pytest.fixture
def sender() -> Sender:
    return Sender("106540352242922", TOKEN, "whatsapp:106540352242922")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    server = await asyncio.start_server(world.serve, "127.0.0.1", 0)
    world.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield world
        world.closing.set()


@pytest.fixture
async def platforms(world: World) -> AsyncIterator[Platforms]:
    async with open_platforms(
        meta_graph_url=world.url,
        instagram_graph_url=f"{world.url}/instagram/",
        version="v25.0",
        timeouts=httpx.Timeout(5, read=0.3),
    ) as opened:
        yield opened


@pytest.fixture
def closed_port() -> str:
    """The URL of a port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"
