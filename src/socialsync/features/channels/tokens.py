"""How long access tokens live.

Instagram's (Meta, "Long-lived access tokens") live for 60 days and can be renewed from 24 hours after their
birth until their end, not after it. Those of WhatsApp's system users have no end that we know.
"""

from datetime import datetime, timedelta

LIFE = timedelta(days=60)


def ends_at(platform: str, set_at: datetime) -> datetime | None:
    """When a token that a person put in at this time ends at the latest; None where nobody knows."""
    return set_at + LIFE if platform == "instagram" else None
