"""``socialsync simulator``."""

from typing import Annotated

import typer

from socialsync import later, settings
from socialsync.cli.ports import Port, free_port

with later.without("httpx._main"):  # its command line, which takes rich and pygments along
    from socialsync import simulator as meta


def simulator(
    port: Port = 8090,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    callback: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Tell what becomes of messages to URL/webhooks/whatsapp and URL/webhooks/instagram, as Meta"
            " does, until each call is answered 200.",
        ),
    ] = None,
    app_secret: Annotated[
        str | None,
        typer.Option(help="Signs these calls; by default META_APP_SECRET or the one kept in the home."),
    ] = None,
) -> None:
    """Play Meta's Graph API on this machine; GET /_sim/ tells how to drive it."""
    told = None
    if callback:
        try:
            told = meta.Callback(callback, app_secret or settings.load_or_exit().app_secret)
        except ValueError as problem:
            raise typer.BadParameter(str(problem), param_hint="--callback") from None
    if port:
        free_port(port, command="socialsync simulator", host=host)
    meta.run(port=port, host=host, callback=told)
