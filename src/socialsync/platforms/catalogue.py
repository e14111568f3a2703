"""Every platform there is, and opening them all."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, get_type_hints

import httpx

from socialsync.errors import Invalid
from socialsync.platforms import graph
from socialsync.platforms.contract import Platform, Template
from socialsync.platforms.graph import Doors, Graph
from socialsync.platforms.instagram import Instagram
from socialsync.platforms.whatsapp import WhatsApp


@dataclass(frozen=True)
class Platforms:
    """The platforms as a process has them open, by attribute or ``platforms["whatsapp"]``.

    A new platform is a folder, and one line here: its name, as the API spells it, and its class.
    """

    whatsapp: WhatsApp
    instagram: Instagram

    def __getitem__(self, name: str) -> Platform:
        """Raises Invalid, naming ``platform``."""
        platform_named(name)
        platform: Platform = getattr(self, name)
        return platform


_CLASSES: Final[dict[str, Any]] = get_type_hints(Platforms)
PLATFORMS: Final[Mapping[str, type[Platform]]] = _CLASSES
"""Name to class, as the lines above have them."""


def platform_named(name: str) -> type[Platform]:
    """Raises Invalid, naming ``platform``."""
    if name not in PLATFORMS:
        raise Invalid(
            "There is no such platform", field="platform", fix=f"Use one of: {', '.join(PLATFORMS)}"
        )
    return PLATFORMS[name]


def check_post(
    platform: str,
    *,
    text: str,
    media_urls: Sequence[str] = (),
    recipients: Sequence[str] = (),
    template: Template | None = None,
) -> None:
    """Refuse a post that this platform would refuse. Pure: no network, nothing opened.

    Raises:
        Invalid: with the field (``text``, ``media_urls[0]``, ``recipients[3]``) and the fix.
    """
    platform_named(platform).check_post(
        text=text, media_urls=media_urls, recipients=recipients, template=template
    )


@asynccontextmanager
async def open_platforms(
    *, meta_graph_url: str, instagram_graph_url: str, version: str, timeouts: httpx.Timeout = graph.TIMEOUT
) -> AsyncIterator[Platforms]:
    """Open every platform over one pool of connections, which closes with the block.

    Args:
        meta_graph_url: base of WhatsApp's calls, without version.
        instagram_graph_url: base of Instagram's calls, without version.
        version: of both, ``v25.0``.
        timeouts: for connecting, reading, writing and waiting for a connection of the pool.
    """
    async with graph.open_http(timeouts) as http:
        doors = Doors(Graph(http, meta_graph_url, version), Graph(http, instagram_graph_url, version))
        made: dict[str, Any] = {name: platform(doors) for name, platform in _CLASSES.items()}
        yield Platforms(**made)
