"""When a post's comments are looked at. Pure: design, section 5, "Comments"."""

from datetime import datetime, timedelta

_MINUTES = timedelta(minutes=1)
_DAYS = timedelta(days=1)
WATCHED_FOR = 7 * _DAYS
INTERVALS = ((2 * _DAYS, 5 * _MINUTES), (5 * _DAYS, 15 * _MINUTES), (WATCHED_FOR, 30 * _MINUTES))
"""Up to (and without) which age a post is looked at how often."""
FULL_PASSES = (1 * _DAYS, 3 * _DAYS, WATCHED_FOR - 60 * _MINUTES)
"""Ages from which on everything is read once: replies, edits and deletions. The last one comes in time."""


def interval(age: timedelta) -> timedelta | None:
    """How long after a look the next one comes, at this age of the post; None: no more."""
    return next((every for until, every in INTERVALS if age < until), None)


def next_check(published_at: datetime, stop_at: datetime, tick: datetime) -> datetime | None:
    """The look after that of this tick; None when the post is no longer watched then."""
    every = interval(tick - published_at)
    after = None if every is None else tick + every
    return after if after is not None and after < stop_at else None


def needs_full_pass(published_at: datetime, last: datetime | None, now: datetime) -> bool:
    """Whether an age is reached for which everything has not been read yet.

    Args:
        last: when everything was last read to its end.
    """
    reached = [published_at + age for age in FULL_PASSES if published_at + age <= now]
    return bool(reached) and (last is None or last < reached[-1])
