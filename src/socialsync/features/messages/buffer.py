"""When a burst of messages is over: after a silence, but not later than a while after its first message.

DESIGN, "DM": both times are settings of the channel. A message that comes later than that opens a new window.
"""

from datetime import datetime, timedelta

LATE = timedelta(seconds=5)
"""After so long past its time, a window that nobody closed is looked after by the sweep."""
PATIENCE = timedelta(seconds=30)
"""An answer to somebody who keeps writing is dropped once, but not later than this after their first
message that nobody answered."""


def may_drop(waiting_since: datetime, dropped: int, now: datetime) -> bool:
    """Whether an answer may be dropped because the person wrote on."""
    return dropped == 0 and now - waiting_since < PATIENCE
