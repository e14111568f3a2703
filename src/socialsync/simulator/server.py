"""The simulator on a port."""

import contextlib
import time

import uvicorn
from starlette.types import ASGIApp

from socialsync.simulator.app import create_app
from socialsync.simulator.webhooks import Callback
from socialsync.simulator.wire import SeverableProtocol
from socialsync.simulator.world import Setup


def run(port: int, host: str = "127.0.0.1", callback: Callback | None = None) -> None:
    """Serve until interrupted. Each start counts its ids from a moment of its own, since the database that
    knows the ids of the last start is still there.

    Args:
        callback: who is told what happens, until others are named.
    """
    app = create_app(Setup(first_id=time.time_ns() // 1_000_000, callback=callback))
    with contextlib.suppress(KeyboardInterrupt):
        server_for(app, port, host).run()


def server_for(app: ASGIApp, port: int = 0, host: str = "127.0.0.1") -> uvicorn.Server:
    """A uvicorn server that can lose answers. Ends requests that still sleep a second after it is stopped."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=SeverableProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)
