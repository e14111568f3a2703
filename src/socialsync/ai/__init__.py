"""The models of the outside world, through the one door ``Ai``."""

from socialsync.ai.client import MOST_TEXTS, Ai, Models, Moderation, open_ai
from socialsync.ai.ledger import Spender
from socialsync.ai.prices import listed
from socialsync.ai.tools import Act, Message, Tool, ToolCall
from socialsync.ai.vectors import DIMENSIONS

__all__ = [
    "DIMENSIONS",
    "MOST_TEXTS",
    "Act",
    "Ai",
    "Message",
    "Models",
    "Moderation",
    "Spender",
    "Tool",
    "ToolCall",
    "listed",
    "open_ai",
]
