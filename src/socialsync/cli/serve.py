"""``socialsync serve``: the API."""

from typing import Annotated

import typer
import uvicorn

from socialsync import settings
from socialsync.cli.ports import Port, free_port


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Port = 8000,
    reload: Annotated[bool, typer.Option(help="Restart when the code changes (development).")] = False,
) -> None:
    """Run the API."""
    settings.load_or_exit()
    if port:
        free_port(port, command="socialsync serve", host=host)
    uvicorn.run("socialsync.app:app", host=host, port=port, reload=reload, log_config=None, access_log=False)
