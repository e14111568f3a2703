"""When a channel's next mail leaves: the first at once, and then one for all that comes within a while.

An attack that escalates five hundred comments so sends a mail every five minutes, not five hundred.
"""

from datetime import datetime, timedelta

EVERY = timedelta(minutes=5)
"""Between two mails of one channel, at least."""


def next_at(last_at: datetime | None, now: datetime) -> datetime:
    """When the next mail may leave.

    Args:
        last_at: when the channel's last one left; None when there was none.
    """
    return now if last_at is None else max(now, last_at + EVERY)
