"""When a recurring post comes next: RFC 5545 rules, read on the clock on the wall. Pure: given the time.

The first occurrence is the post's own time; those that follow have its time of day in their zone, whatever
the zone does to its clocks. A time that the clocks skip counts with the offset from before (RFC 5545, 3.3.5),
of one that comes twice the first counts, and of two that fall on the same instant only one remains.

dateutil finds the days, the times of the day are found here.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from dateutil import rrule

from socialsync.features.accounts import locale
from socialsync.features.posts import rules
from socialsync.features.posts.rules import Rule

LOOKS = 12_000
"""Days that one search looks at, more than 30 years of them: behind a rule's last occurrence it must end."""
_SKIPPED = timedelta(hours=25)
"""More than clocks ever skip at once (a whole day, at the date line)."""
_LAST_YEAR = 9_939
"""Searches begin here or up to 400 years before."""
_DAY = 1_440


@dataclass(frozen=True)
class _Series:
    """A rule from its beginning on the wall of its zone."""

    rule: Rule
    zone: ZoneInfo
    starts_at: datetime
    start: datetime


def check_rule(text: str, zone: str, starts_at: datetime) -> str:
    """Refuse a rule that cannot be followed.

    Args:
        text: an RFC 5545 RRULE, with or without ``RRULE:``.
        zone: an IANA name.
        starts_at: the first occurrence, aware.

    Returns:
        The rule as it is stored.

    Raises:
        Invalid: names ``recurrence`` or ``timezone``, the problem and the fix.
    """
    rule = rules.parse(text)
    locale.check_timezone(zone)
    series = _series(rule, zone, starts_at)
    if rule.until is not None and rule.until < starts_at:
        raise rules.refused("it ends (UNTIL) before its first occurrence", fix="Move UNTIL, or publish_at.")
    if _first(series, floor=starts_at - timedelta(microseconds=1), itself=True) is None:
        raise rules.refused(
            "it names days that never come", fix="Check BYMONTH, BYMONTHDAY, BYDAY and INTERVAL."
        )
    return rule.text


def next_after(text: str, zone: str, starts_at: datetime, after: datetime) -> datetime | None:
    """The first occurrence later than ``after``, in UTC; None when there is none any more.

    Args:
        text: a rule that ``check_rule`` has passed.
        starts_at: the first occurrence, which ``COUNT`` counts too.
    """
    if after < starts_at:
        return starts_at.astimezone(UTC)
    return _first(_series(rules.parse(text), zone, starts_at), floor=after, itself=False)


def _series(rule: Rule, zone: str, starts_at: datetime) -> _Series:
    at = ZoneInfo(zone)
    return _Series(rule, at, starts_at, starts_at.astimezone(at).replace(tzinfo=None))


def _first(series: _Series, *, floor: datetime, itself: bool) -> datetime | None:
    """The first instant behind ``floor``. The beginning counts (``itself``) only if the rule names it."""
    rule, zone, start = series.rule, series.zone, series.start
    since = start if rule.count else max(start, floor.astimezone(zone).replace(tzinfo=None) - _SKIPPED)
    times = (naive for naive in _times(series, since) if naive > start or (itself and naive == start))
    beyond = floor if itself else series.starts_at
    instants = (at for at in _ordered(times, zone) if at > beyond)
    for at in islice(instants, rule.count and rule.count - (not itself)):
        if rule.until is not None and at > rule.until:
            break
        if at > floor:
            return at
    return None


def _ordered(times: Iterator[datetime], zone: ZoneInfo) -> Iterator[datetime]:
    """The instants of these times on the wall, in order, each once. Those that the clocks skip come among the
    times behind them; where a whole day is skipped, hours later.
    """
    skipped: deque[datetime] = deque()
    for naive in times:
        at, is_skipped = _instant(naive, zone)
        if is_skipped:
            skipped.append(at)
            continue
        while skipped and skipped[0] <= at:
            if (early := skipped.popleft()) < at:
                yield early
        yield at
    yield from skipped


def _instant(naive: datetime, zone: ZoneInfo) -> tuple[datetime, bool]:
    """What this time on the wall is in UTC, and whether the clocks skip it."""
    at = naive.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return at, at.astimezone(zone).replace(tzinfo=None) != naive


def _times(series: _Series, since: datetime) -> Iterator[datetime]:
    """The times on the wall that the rule names, in order, from its beginning or the day of ``since`` on."""
    rule, start = series.rule, series.start
    for day in islice(_days(rule, start.date(), since.date()), LOOKS):
        for minute in _minutes(rule, start, day):
            at = time(*divmod(minute, 60), rule.second_of(start), start.microsecond)
            yield datetime.combine(day, at)


def _minutes(rule: Rule, start: datetime, day: date) -> Iterator[int]:
    """The minutes of this day, in order."""
    hours, minutes = rule.of("BYHOUR"), rule.of("BYMINUTE")
    passed = (day - start.date()).days * _DAY
    if rule.frequency in rules.WITHIN_A_DAY:
        hourly = rule.frequency == "HOURLY"
        step = rule.interval * (60 if hourly else 1)
        first = start.hour * 60 + (0 if hourly else start.minute)
        for reached in range((first - passed) % step, _DAY, step):
            if hours and reached // 60 not in hours:
                continue
            if hourly:
                yield from (reached + minute for minute in minutes or (start.minute,))
            elif not minutes or reached % 60 in minutes:
                yield reached
    elif rule.frequency != "DAILY" or passed % (rule.interval * _DAY) == 0:
        yield from rules.minutes_of_day(hours or (start.hour,), minutes or (start.minute,))


def _days(rule: Rule, start: date, since: date) -> Iterator[date]:
    """The days that the rule names, from the period of ``since`` on.

    The calendar repeats itself every 400 years. dateutil looks for a day up to the year 9999 before it gives
    up: so it is asked about the last of those 400 years, where that is soon.
    """
    how = _daily(rule, since) if rule.frequency in rules.BY_DAY else _by_period(rule, start, since)
    begin: date = how.pop("dtstart")
    month = how.pop("bymonth", None)
    ahead = (_LAST_YEAR - begin.year) // 400 * 400
    midnight = datetime(begin.year + ahead, begin.month, begin.day)  # noqa: DTZ001 - on the wall
    found = rrule.rrule(
        dtstart=midnight,
        bymonth=rule.of("BYMONTH") or month,
        byyearday=rule.of("BYYEARDAY") or None,
        byweekno=rule.of("BYWEEKNO") or None,
        bysetpos=rule.of("BYSETPOS") or None,
        wkst=rule.week_start,
        byhour=0,
        byminute=0,
        bysecond=0,
        **how,
    )
    try:
        for day in found:
            yield day.date().replace(year=day.year - ahead)
    except (ValueError, OverflowError):
        return  # the end of the calendar


def _daily(rule: Rule, since: date) -> dict[str, Any]:
    """Every day that no part forbids. By months where few may be left, which is quicker to look through."""
    monthdays, weekdays = rule.of("BYMONTHDAY"), _weekdays(rule)
    if monthdays or rule.of("BYMONTH") or rule.of("BYYEARDAY"):
        every = monthdays or tuple(range(1, 32))
        month = since.replace(day=1)
        return {"freq": rrule.MONTHLY, "dtstart": month, "bymonthday": every, "byweekday": weekdays}
    return {"freq": rrule.DAILY, "dtstart": since, "byweekday": weekdays}


def _by_period(rule: Rule, start: date, since: date) -> dict[str, Any]:
    """The period of ``since``, counted in intervals from the first; what the rule leaves open is as on the
    first day.
    """
    step = rule.interval
    how: dict[str, Any] = {"interval": step, "bymonthday": rule.of("BYMONTHDAY") or None}
    how["byweekday"] = _weekdays(rule)
    open_ = not (rule.weekdays or how["bymonthday"] or rule.of("BYYEARDAY"))
    match rule.frequency:
        case "WEEKLY":
            first = start - timedelta(days=(start.weekday() - rule.week_start) % 7)
            weeks = (since - first).days // 7 // step * step
            how |= {"freq": rrule.WEEKLY, "dtstart": first + timedelta(weeks=weeks)}
            how |= {"byweekday": start.weekday()} if open_ else {}
        case "MONTHLY":
            passed = (since.year - start.year) * 12 + since.month - start.month
            year, month = divmod(start.year * 12 + start.month - 1 + passed // step * step, 12)
            how |= {"freq": rrule.MONTHLY, "dtstart": date(year, month + 1, 1)}
            how |= {"bymonthday": start.day} if open_ else {}
        case _:
            year = start.year + (since.year - start.year) // step * step
            how |= {"freq": rrule.YEARLY, "dtstart": date(year, 1, 1)}
            how |= _open_in_year(rule, start) if open_ else {}
    return how


def _open_in_year(rule: Rule, start: date) -> Mapping[str, int]:
    if rule.of("BYWEEKNO"):
        return {"byweekday": start.weekday()}
    return {"bymonth": start.month, "bymonthday": start.day}


def _weekdays(rule: Rule) -> list[rrule.weekday] | None:
    return [rrule.weekday(day, number) for day, number in rule.weekdays] or None
