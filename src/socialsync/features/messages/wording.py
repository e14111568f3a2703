"""What a person reads about a message that did not arrive."""

from socialsync.errors import SocialSyncError


def sentence(error: Exception) -> str:
    """What happened and what to do."""
    if not isinstance(error, SocialSyncError):
        return "SocialSync made a mistake while sending; the log of the worker has the details."
    parts = (part.rstrip(".") + "." for part in (error.message, error.fix or "") if part)
    return " ".join(parts)
