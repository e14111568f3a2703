"""Who has the floor: the AI, or a person.

A person takes it in the dashboard, by the API, or by answering from the platform's own app, and gives it
back. What was written until then is theirs: it asks the AI for nothing any more.
"""

from datetime import datetime

FROM_APP = "app"
"""Who took over, when somebody answered from the platform's own app."""


def is_new(told_at: datetime, handed_back_at: datetime | None) -> bool:
    """Whether something that a person of the business wrote is not from before they handed back."""
    return handed_back_at is None or told_at > handed_back_at
