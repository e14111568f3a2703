"""How long access tokens live, and when one is renewed.

Instagram's (Meta, "Long-lived access tokens") live for 60 days and can be renewed from 24 hours after their
birth until their end, not after it. Those of WhatsApp's system users have no end that we know.

Nobody tells how old a token is that a person puts in: its end is a guess until Instagram has renewed it,
which is therefore tried once as soon as it must be old enough.
"""

from datetime import datetime, timedelta

LIFE = timedelta(days=60)
YOUNGEST = timedelta(hours=24)
RENEWED_BEFORE_END = timedelta(days=10)
AGAIN_AFTER = timedelta(days=1)
"""After a look at a token that could not be renewed, and yet is good."""


def ends_at(platform: str, set_at: datetime) -> datetime | None:
    """When a token that a person put in at this time ends at the latest; None where nobody knows."""
    return set_at + LIFE if platform == "instagram" else None


def why_ended(expires_at: datetime | None, now: datetime) -> str | None:
    """A sentence for a person about a token that is past its end; None of one that is not."""
    if expires_at is None or now < expires_at:
        return None
    day = f"{expires_at.day} {expires_at:%B %Y}"
    return f"Its access token ended on {day}, and only a new login gives another."
