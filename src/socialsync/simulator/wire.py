"""Closing a connection without an answer, for real.

An ASGI application cannot do that: a server answers 500 for one that fails before it answers. So the protocol
hands every request the means to close its own connection.
"""

import asyncio
from typing import cast

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override
from uvicorn.protocols.http.h11_impl import H11Protocol

_HANG_UP = "simulator.hang_up"


class SeverableProtocol(H11Protocol):
    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast(asyncio.Transport, transport))
        # uvicorn copies this into the ``state`` of each request's scope
        self.app_state = {**self.app_state, _HANG_UP: transport.close}


class HungUp(Response):
    """No answer at all: the caller's client sees a connection closed before the first byte."""

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hang_up = scope.get("state", {}).get(_HANG_UP)
        if hang_up is None:
            raise RuntimeError(
                "Start the simulator with socialsync.simulator.server_for: no other can hang up"
            )
        hang_up()
        # Until uvicorn has noticed, returning would make it answer 500
        while (await receive())["type"] != "http.disconnect":
            pass
