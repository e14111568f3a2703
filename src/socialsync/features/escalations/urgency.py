"""How urgent something is, and until when somebody should have come."""

import re
from datetime import datetime, timedelta
from typing import Literal

Urgency = Literal["urgent", "high", "normal"]

RANKS: tuple[Urgency, ...] = ("normal", "high", "urgent")
"""From the least to the most urgent."""
WITHIN: dict[str, timedelta] = {
    "urgent": timedelta(minutes=15),
    "high": timedelta(hours=2),
    "normal": timedelta(hours=8),
}
"""A normal matter leaves a working day, and a third of the 24 hours in which a customer may be answered."""
_DANGER = re.compile(r"threat|violen|self.?harm|suicid|minors|child|emergenc|danger", re.IGNORECASE)
REMIND_EVERY = timedelta(days=1)


def due_at(urgency: str, now: datetime) -> datetime:
    """Until when somebody should have come."""
    return now + WITHIN[urgency]


def of_judgement(source: str, rule: str | None) -> Urgency:
    """How urgent a decision to escalate is.

    Args:
        source: of a decision, see ``decisions.service.Source``.
        rule: its rule's name; a workspace's own names say nothing about danger.
    """
    if source == "moderation" or (source != "rule" and _DANGER.search(rule or "")):
        return "urgent"
    if source in {"rule", "model"} or rule == "asks_for_person":
        return "high"
    return "normal"
