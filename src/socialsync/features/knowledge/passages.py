"""A passage, as it comes from the process that reads files. Pure, and light: what is heavy stays over
there.
"""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Passage:
    """A chunk. ``digest``: SHA-256 of what is embedded; the same passage has the same vector."""

    text: str
    heading: str | None
    page: int | None
    language: str | None
    digest: bytes


@dataclass(frozen=True)
class Read:
    """All that became of a file."""

    passages: list[Passage]
    pages: int | None
    title: str | None
    language: str | None


def embedded(heading: str | None, text: str) -> str:
    """What is embedded of a chunk: its heading says what it is about."""
    return f"{heading}\n{text}" if heading else text


def digest_of(heading: str | None, text: str) -> bytes:
    return hashlib.sha256(embedded(heading, text).encode()).digest()
