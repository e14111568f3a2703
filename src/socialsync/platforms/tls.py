"""Whom we trust on the wire."""

import functools
import ssl

import httpx


@functools.cache
def authorities() -> ssl.SSLContext:
    """The trusted authorities: reading them takes longer than all else here, so a process does it once."""
    return httpx.create_ssl_context()
