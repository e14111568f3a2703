"""How locks are spelled. Jobs with the same lock never run at the same time, whatever their queues.

A lock is computed from the arguments of its task. ``@`` and the workspace follow it (``tasks.task``).
"""

from typing import Any
from uuid import UUID


def of_post(*, post_id: UUID, **_: Any) -> str:
    return f"post:{post_id}"


def of_document(*, document_id: UUID, **_: Any) -> str:
    return f"document:{document_id}"


def of_catching_up(*, channel_id: UUID, **_: Any) -> str:
    return f"catch_up:{channel_id}"


def of_bare_chunks(**_: Any) -> str:
    """One at a time in a workspace."""
    return "bare chunks"


def of_schedule(name: str) -> str:
    """The queueing lock of a schedule's jobs: at most one waits."""
    return f"schedule:{name}"
