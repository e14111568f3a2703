"""Where a server may listen, found out before it starts: one that is taken is told in a line, with a fix."""

import errno
import socket
from typing import Annotated

import typer

from socialsync.errors import Conflict, Invalid

Port = Annotated[int, typer.Option(min=0, max=65535, help="TCP port; 0 takes a free one.")]


def free_port(wanted: int, *, command: str, host: str = "127.0.0.1") -> int:
    """The port, or a free one where 0 is wanted.

    Args:
        command: how somebody chooses another, e.g. ``socialsync up``.

    Raises:
        Conflict: it is taken, or not ours to take.
        Invalid: the host is no address of this machine.
    """
    try:
        found = socket.getaddrinfo(host, wanted, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            port: int = probe.getsockname()[1]
            return port
    except OSError as error:  # gaierror is one
        if error.errno == errno.EADDRINUSE:
            raise Conflict(
                f"Port {wanted} of {host} is taken.",
                fix=f"Free it, or choose one: {command} --port {_another(wanted)}",
            ) from None
        if error.errno == errno.EACCES:
            raise Conflict(
                f"Port {wanted} is not ours to listen on.",
                fix=f"Choose one from 1024 on: {command} --port {_another(wanted)}",
            ) from None
        raise Invalid(
            f"{host} is no address of this machine.",
            field="--host",
            fix="Listen on 127.0.0.1, or with 0.0.0.0 on all of them.",
        ) from None


def _another(port: int) -> int:
    return port + 10 if 1024 <= port < 65_000 else 8010  # noqa: PLR2004 - TCP's numbers
