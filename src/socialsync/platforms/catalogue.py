"""Every platform there is, and opening them all."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, get_type_hints

import httpx

from socialsync.errors import Invalid
from socialsync.platforms import graph
from socialsync.platforms.contract import Heed, Media, Platform, Template
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
    media_type: str | None = None,
    alt_texts: Sequence[str] = (),
) -> str | None:
    """Refuse a post that this platform would refuse. Pure: no network, nothing opened.

    Args:
        media_type: ``image``, ``carousel``, ``reel`` or ``story`` on Instagram; ``image``, ``video``,
            ``audio`` or ``document`` on WhatsApp; None lets the media tell.
        alt_texts: what the image at the same place in ``media_urls`` shows; empty for one without.

    Returns:
        the media type that the post has, given or told by its media; None for a text or a template.

    Raises:
        Invalid: with the field (``text``, ``media_urls[0]``, ``recipients[3]``) and the fix.
    """
    return platform_named(platform).check_post(
        text=text,
        media_urls=media_urls,
        recipients=recipients,
        template=template,
        media_type=media_type,
        alt_texts=alt_texts,
    )


def media_of(
    platform: str, *, media_urls: Sequence[str], media_type: str, alt_texts: Sequence[str] = ()
) -> list[Media]:
    """The media of a post that `check_post` let through, to prepare or to send."""
    kind_of = platform_named(platform).kind_of
    texts = [*alt_texts, *[""] * len(media_urls)]
    return [
        Media(url, kind_of(url, media_type), alt_text or None)
        for url, alt_text in zip(media_urls, texts, strict=False)
    ]


@asynccontextmanager
async def open_platforms(
    *,
    meta_graph_url: str,
    instagram_graph_url: str,
    version: str,
    timeouts: httpx.Timeout = graph.TIMEOUT,
    heed: Heed | None = None,
) -> AsyncIterator[Platforms]:
    """Open every platform over one pool of connections, which closes with the block.

    Args:
        meta_graph_url: base of WhatsApp's calls, without version.
        instagram_graph_url: base of Instagram's calls, without version.
        version: of both, ``v25.0``.
        timeouts: for connecting, reading, writing and waiting for a connection of the pool.
        heed: told when an account should be left alone for a while, as usage headers and 429s say.
    """
    async with graph.open_http(timeouts) as http:
        meta = Graph(http, meta_graph_url, version, heed=heed)
        doors = Doors(meta, Graph(http, instagram_graph_url, version, heed=heed))
        made: dict[str, Any] = {name: platform(doors) for name, platform in _CLASSES.items()}
        yield Platforms(**made)
