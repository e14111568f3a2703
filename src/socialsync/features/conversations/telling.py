"""How a conversation is told to a model, and what its words may be without a source. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any
from uuid import UUID

from socialsync.ai import Message
from socialsync.features.knowledge.retrieval import Hit

_QUOTES = str.maketrans("<>", "\u2039\u203a")
_LONGEST_TALK = 300
_HOLDS_FACTS = re.compile(r"\d|https?://|www\.|@\w|[€$£¥%]")
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


def is_small_talk(answer: str, asked: str) -> bool:
    """Whether an answer is short and states nothing that would need a source."""
    stated = [word for word in answer.split() if _HOLDS_FACTS.search(word) and word not in asked]
    return 0 < len(answer) <= _LONGEST_TALK and not stated


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
