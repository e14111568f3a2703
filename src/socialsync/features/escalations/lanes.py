"""The lock of a channel's mails: one leaves at a time, and one job waits, which slides."""

from typing import Any
from uuid import UUID

NOTIFY = "escalations.notify_escalation"


def of_channel(*, channel_id: UUID, **_: Any) -> str:
    return f"escalation_mails:{channel_id}"


def waits_or_runs(channel_id: str, workspace_id: str) -> str:
    """SQL: whether a job of these mails waits or runs. Both are expressions."""
    lock = f"'escalation_mails:' || {channel_id} || '@' || {workspace_id}".replace(":", r"\:")
    return " or ".join(
        f"exists (select from procrastinate_jobs job where job.lock = {lock} and job.status {which})"
        for which in ("< 'doing'", "= 'doing'")
    )
