"""When a schedule comes next. Pure: given the rule and the time."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import CroniterError, croniter

from socialsync.errors import Invalid

SHORTEST = timedelta(seconds=0.1)
LONGEST = timedelta(days=366)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def next_at(*, cron: str | None, every_s: float | None, timezone: str, after: datetime) -> datetime:
    """The first instant of the rule after this one, in UTC.

    Intervals are counted from 2000-01-01T00:00Z, so every process gets the same instants and a pause is
    followed by one tick, not by all that were missed. Cron is read in the zone: at a time that the clocks
    skip it runs at the next instant that exists, at a time that comes twice it runs once, unless it runs
    every hour anyway.

    Args:
        cron: five fields, or six with seconds last; None when there is an interval.
        every_s: seconds between ticks, fractions allowed; None when there is a cron.
        timezone: an IANA name; only cron needs it.
        after: aware.
    """
    if every_s is not None:
        step = timedelta(seconds=every_s)
        return _EPOCH + ((after - _EPOCH) // step + 1) * step
    zone = ZoneInfo(timezone)
    instants = croniter(cron, after.astimezone(zone))
    every_hour = cron is not None and cron.split()[1] == "*"
    while True:
        found: datetime = instants.get_next(datetime)
        again = found.astimezone(UTC).astimezone(zone).fold == 1
        if every_hour or not again:
            return found.astimezone(UTC)


def check(*, cron: str | None, every_s: float | None, timezone: str) -> None:
    """Refuse a rule that cannot be followed.

    Raises:
        Invalid: names the field.
    """
    if (cron is None) == (every_s is None):
        raise Invalid("A schedule has either cron or every_s.", field="cron", fix="Give exactly one of them.")
    if every_s is not None and not SHORTEST.total_seconds() <= every_s <= LONGEST.total_seconds():
        raise Invalid("every_s must be between 0.1 seconds and a year.", field="every_s", fix="E.g. 60.")
    if cron is not None and (len(cron.split()) not in {5, 6} or not croniter.is_valid(cron)):
        raise Invalid("cron is not a cron expression.", field="cron", fix="E.g. */5 * * * * or 0 0 * * *.")
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError):
        raise Invalid(
            "timezone is not an IANA time zone.", field="timezone", fix="E.g. Europe/Paris or UTC."
        ) from None
    if cron is not None:
        _check_reachable(cron, timezone)


def _check_reachable(cron: str, timezone: str) -> None:
    try:
        next_at(cron=cron, every_s=None, timezone=timezone, after=_EPOCH)
    except CroniterError:
        raise Invalid(
            "cron names an instant that never comes.", field="cron", fix="Check day and month."
        ) from None
