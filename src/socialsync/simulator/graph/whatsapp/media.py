"""Media by id or link: what each type may hold.

Meta, WhatsApp Cloud API, "Supported media types". What a link really holds is not looked at: this world has
no network, so its ending has to do.
"""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import SplitResult, urlsplit

from socialsync.simulator.graph.errors import graph_error, invalid

CAPTION_LIMIT = 1_024

_ENDINGS = {
    "image": frozenset({".jpeg", ".jpg", ".png"}),
    "video": frozenset({".3gp", ".3gpp", ".mp4"}),
    "audio": frozenset({".aac", ".amr", ".m4a", ".mp3", ".mp4", ".ogg", ".opus"}),
    "sticker": frozenset({".webp"}),
}
"""A document may be anything, and what has no ending may be what it should."""
_PARAMS = {
    "image": frozenset({"id", "link", "caption"}),
    "video": frozenset({"id", "link", "caption"}),
    "audio": frozenset({"id", "link", "voice"}),
    "sticker": frozenset({"id", "link"}),
    "document": frozenset({"id", "link", "caption", "filename"}),
}
KINDS = tuple(_PARAMS)


def check_media(kind: str, content: Mapping[str, Any]) -> None:
    """Raises:
    GraphError: 100, 131009, or 131053 for a file that this type of message does not take.
    """
    for name in content:
        if name not in _PARAMS[kind]:
            raise invalid(f'Unexpected key "{name}" on param "{kind}".')
    if ("id" in content) == ("link" in content):
        raise invalid("Give one of id and link.")
    if not isinstance(content.get("id", content.get("link")), str):
        raise invalid("Params id and link must be strings.")
    caption = content.get("caption", "")
    if not isinstance(caption, str) or len(caption) > CAPTION_LIMIT:
        raise invalid(f"Param caption must be a string of at most {CAPTION_LIMIT} characters.")
    if "link" in content:
        _check_link(kind, content["link"])


def _check_link(kind: str, link: str) -> None:
    parts = _split(link)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.netloc:
        raise graph_error(131009, details="Parameter link is not valid.")
    ending = PurePosixPath(parts.path).suffix.lower()
    if ending and ending not in _ENDINGS.get(kind, {ending}):
        raise graph_error(131053, details=f"Unsupported media type: {ending} is no {kind}.")


def _split(link: str) -> SplitResult | None:
    try:
        return urlsplit(link)
    except ValueError:
        return None
