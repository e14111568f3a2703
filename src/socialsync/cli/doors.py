"""The processes: API, worker, simulator."""

from typing import Annotated

import typer
import uvicorn

from socialsync import settings
from socialsync import simulator as meta
from socialsync.worker import app as jobs

Port = Annotated[int, typer.Option(min=0, max=65535, help="TCP port; 0 takes a free one.")]


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Port = 8000,
    reload: Annotated[bool, typer.Option(help="Restart when the code changes (development).")] = False,
) -> None:
    """Run the API."""
    settings.load_or_exit()
    uvicorn.run("socialsync.app:app", host=host, port=port, reload=reload, log_config=None, access_log=False)


def worker(
    queues: Annotated[
        str | None, typer.Option("-q", "--queues", help="Queues to serve, by commas; all by default.")
    ] = None,
    name: Annotated[str, typer.Option(help="The worker's name, in logs and results.")] = "worker",
    concurrency: Annotated[int, typer.Option(min=1, max=1000, help="Jobs at the same time.")] = 10,
) -> None:
    """Run a worker until SIGINT or SIGTERM; it then finishes what it has begun."""
    served = [queue.strip() for queue in queues.split(",") if queue.strip()] if queues else None
    jobs.run_worker(queues=served, name=name, concurrency=concurrency)


def simulator(port: Port = 8090, host: str = "127.0.0.1") -> None:
    """Play Meta's Graph API on this machine."""
    meta.run(port=port, host=host)
