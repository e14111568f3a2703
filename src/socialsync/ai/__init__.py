"""The models of the outside world, through the one door ``Ai``."""

from socialsync.ai.client import DIMENSIONS, MOST_TEXTS, Ai, Message, Models, Moderation, open_ai
from socialsync.ai.ledger import Spender

__all__ = ["DIMENSIONS", "MOST_TEXTS", "Ai", "Message", "Models", "Moderation", "Spender", "open_ai"]
