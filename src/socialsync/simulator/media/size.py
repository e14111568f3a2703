"""How large the media are that are asked for, as their URLs tell it."""

from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

PATH = "/_sim/media"
SIDES = range(1, 4_001)
SIDE = 640
"""Of a picture whose size nobody said."""


class Size(NamedTuple):
    """In pixels."""

    width: int = SIDE
    height: int = SIDE


def asked_size(url: str) -> Size | None:
    """Of the media at a URL of ours; None for any other."""
    parts = urlsplit(url)
    if not parts.path.startswith(f"{PATH}/"):
        return None
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    sides = {name: query[name] for name in Size._fields if name in query}
    if not all(side.isascii() and side.isdigit() and int(side) in SIDES for side in sides.values()):
        return None
    return Size(**{name: int(side) for name, side in sides.items()})
