"""How a conversation is told to a model. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any
from uuid import UUID

from socialsync.ai import Message
from socialsync.features.knowledge.retrieval import Hit

_QUOTES = str.maketrans("<>", "\u2039\u203a")
_LONGEST_LINE = 2_000


def said(kind: str, text: str | None) -> str:
    """A message's words; what has none is named by its kind."""
    return text if text and text.strip() else f"[{kind}]"


def history(lines: Sequence[Mapping[str, str]]) -> list[Message]:
    """What was said before, each in its speaker's name: an operator's words are the business's own."""
    return [
        Message(
            "user" if line["author"] == "customer" else "assistant",
            line["text"][:_LONGEST_LINE].translate(_QUOTES),
        )
        for line in lines
    ]


def framed(asked: str) -> str:
    """What is to be answered, in a block that no text of its own ends."""
    return f"<message>\n{asked.translate(_QUOTES)}\n</message>"


def kept(hit: Hit) -> dict[str, Any]:
    """As plain values."""
    return {name: str(value) if isinstance(value, UUID) else value for name, value in asdict(hit).items()} | {
        "id": str(hit.chunk_id)
    }


def hit_of(kept: Mapping[str, Any]) -> Hit:
    values = {field.name: kept[field.name] for field in fields(Hit)}
    for name in ("chunk_id", "document_id", "faq_id"):
        if isinstance(values.get(name), str):
            values[name] = UUID(values[name])
    return Hit(**values)
