"""The locks of a conversation's jobs. What waits in one of them holds up nothing in another."""

from typing import Any
from uuid import UUID

PROCESS = "conversations.process_message"
SEND = "messages.send_message"
SETTLE = "messages.settle"
FETCH = "messages.fetch_media"


def of_conversation(*, conversation_id: UUID, **_: Any) -> str:
    """Thinking about an answer. One of these jobs waits, which slides."""
    return f"conversation:{conversation_id}"


def of_outbound(*, conversation_id: UUID, **_: Any) -> str:
    """Sending, in order."""
    return f"outbound:{conversation_id}"


def of_thread(*, conversation_id: UUID, **_: Any) -> str:
    """What the AI remembers of the conversation."""
    return f"thread:{conversation_id}"


def of_settling(outbox_id: UUID) -> str:
    """The queueing lock of the job that settles this message."""
    return f"settle_message:{outbox_id}"


def waits_or_runs(prefix: str, conversation_id: str, workspace_id: str) -> str:
    """SQL: whether a job waits or runs in this lane; spelled as the indexes on locks are. The last two are
    expressions.
    """
    lock = f"'{prefix}:' || {conversation_id} || '@' || {workspace_id}".replace(":", r"\:")
    return " or ".join(
        f"exists (select from procrastinate_jobs job where job.lock = {lock} and job.status {which})"
        for which in ("< 'doing'", "= 'doing'")
    )
