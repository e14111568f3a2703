"""How the jobs of comments are kept apart."""

from uuid import UUID


def of_import(channel_id: UUID) -> str:
    """The queueing lock: one import of a channel waits."""
    return f"comments.import:{channel_id}"
