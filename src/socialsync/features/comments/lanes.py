"""How the jobs of comments are kept apart."""

from typing import Any
from uuid import UUID


def of_reading(post_id: UUID) -> str:
    """The queueing lock: one long reading of a post waits."""
    return f"comments.reading:{post_id}"


def of_post(*, post_id: UUID, **_: Any) -> str:
    """The lock: a post is read by one."""
    return f"comments.post:{post_id}"


def of_channel(*, channel_id: UUID, **_: Any) -> str:
    """The lock: media of a channel are imported by one."""
    return f"comments.channel:{channel_id}"


def of_import(channel_id: UUID) -> str:
    """The queueing lock: one import of a channel waits."""
    return f"comments.import:{channel_id}"
