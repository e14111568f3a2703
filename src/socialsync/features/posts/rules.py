"""What a recurrence rule may say: RFC 5545, 3.3.10, but for what no post could want.

Left out are seconds, and anything that comes faster than every five minutes.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise, product

from socialsync.errors import Invalid

FASTEST = 5
"""Minutes between two occurrences."""
MOST_COUNT = 10_000
MOST_INTERVAL = 9_999
LONGEST = 1_000
"""Characters."""
BY_DAY = frozenset({"DAILY", "HOURLY", "MINUTELY"})
"""Frequencies that look at each day by itself."""
WITHIN_A_DAY = frozenset({"HOURLY", "MINUTELY"})
FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY")
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
NUMBERS: Mapping[str, range] = {
    "BYMONTH": range(1, 13),
    "BYWEEKNO": range(1, 54),
    "BYYEARDAY": range(1, 367),
    "BYMONTHDAY": range(1, 32),
    "BYHOUR": range(24),
    "BYMINUTE": range(60),
    "BYSECOND": range(60),
    "BYSETPOS": range(1, 367),
}
"""The parts that are lists of numbers, and which."""
FROM_THE_END = frozenset({"BYWEEKNO", "BYYEARDAY", "BYMONTHDAY", "BYSETPOS"})
"""Those that may be negative."""
ONLY_IN: Mapping[str, tuple[str, ...]] = {
    "BYWEEKNO": ("YEARLY",),
    "BYYEARDAY": ("YEARLY", "HOURLY", "MINUTELY"),
    "BYMONTHDAY": ("YEARLY", "MONTHLY", "DAILY", "HOURLY", "MINUTELY"),
    "BYSETPOS": ("YEARLY", "MONTHLY", "WEEKLY"),
}
_EXAMPLE = "Write it like FREQ=WEEKLY;BYDAY=MO,FR or FREQ=MONTHLY;BYMONTHDAY=1;COUNT=12."
_KNOWN = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", *NUMBERS)
_WEEKDAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_UNTIL = re.compile(r"\d{8}T\d{6}Z")


@dataclass(frozen=True)
class Rule:
    """A rule taken apart.

    Attributes:
        text: how it is stored.
        week_start: 0 is Monday.
        weekdays: each with its number in the month or year, or None.
    """

    text: str
    frequency: str
    interval: int
    count: int | None
    until: datetime | None
    week_start: int
    weekdays: tuple[tuple[int, int | None], ...]
    numbers: Mapping[str, tuple[int, ...]]

    def of(self, part: str) -> tuple[int, ...]:
        """The numbers of this part, sorted; none when it is not there."""
        return self.numbers.get(part, ())

    def second_of(self, start: datetime) -> int:
        return self.of("BYSECOND")[0] if self.of("BYSECOND") else start.second


def refused(problem: str, *, fix: str = _EXAMPLE) -> Invalid:
    return Invalid(f"This recurrence cannot be followed: {problem}.", field="recurrence", fix=fix)


def parse(text: str) -> Rule:
    """Take a rule apart.

    Raises:
        Invalid: names ``recurrence``, the problem and the fix.
    """
    stored = re.sub(r"^RRULE:", "", text.strip().upper()).rstrip(";")
    if len(stored) > LONGEST:
        raise refused(f"it is longer than {LONGEST:,} characters")
    parts = _parts(stored)
    frequency = parts.get("FREQ", "")
    if frequency == "SECONDLY":
        raise refused(
            "posts cannot follow each other by seconds", fix="Use FREQ=MINUTELY;INTERVAL=5 or slower."
        )
    if frequency not in FREQUENCIES:
        raise refused(
            "FREQ is missing or not known", fix=f"Begin it with FREQ= and {', '.join(FREQUENCIES)}."
        )
    rule = Rule(
        text=stored,
        frequency=frequency,
        interval=_number("INTERVAL", parts.get("INTERVAL", "1"), range(1, MOST_INTERVAL + 1)),
        count=_number("COUNT", parts["COUNT"], range(1, MOST_COUNT + 1)) if "COUNT" in parts else None,
        until=_until(parts["UNTIL"]) if "UNTIL" in parts else None,
        week_start=_week_start(parts.get("WKST", "MO")),
        weekdays=tuple(_weekday(each) for each in parts["BYDAY"].split(",")) if "BYDAY" in parts else (),
        numbers={name: _numbers(name, parts[name]) for name in NUMBERS if name in parts},
    )
    _check_together(rule)
    _check_pace(rule)
    return rule


def minutes_of_day(hours: Iterable[int], minutes: Iterable[int]) -> list[int]:
    """All of these, as minutes since midnight, in order."""
    return sorted(hour * 60 + minute for hour, minute in product(hours, minutes))


def _parts(stored: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in stored.split(";"):
        name, equals, value = part.partition("=")
        if name.startswith(("DTSTART", "EXDATE", "RDATE", "EXRULE")):
            raise refused(
                f"{name[:10].partition(':')[0]} is no part of it",
                fix="The first occurrence is publish_at, in the zone of timezone.",
            )
        if not equals or not value:
            raise refused("it is no list of NAME=VALUE with semicolons between")
        if name not in _KNOWN:
            raise refused("it has a part that is not known", fix=f"It may have {', '.join(_KNOWN)}.")
        if name in parts:
            raise refused(f"{name} is there twice", fix="Keep one of them.")
        parts[name] = value
    return parts


def _number(name: str, value: str, allowed: range, *, negative: bool = False) -> int:
    if re.fullmatch(r"[+-]?[0-9]{1,5}" if negative else r"\+?[0-9]{1,5}", value):
        number = int(value)
        if abs(number) in allowed:
            return number
    sign = " or as many from the end, as -1" if negative else ""
    raise refused(
        f"{name} has something that it cannot be", fix=f"Write {allowed[0]} to {allowed[-1]:,}{sign}."
    )


def _numbers(name: str, value: str) -> tuple[int, ...]:
    negative = name in FROM_THE_END
    found = {_number(name, each, NUMBERS[name], negative=negative) for each in value.split(",")}
    return tuple(sorted(found))


def _weekday(value: str) -> tuple[int, int | None]:
    found = _WEEKDAY.fullmatch(value)
    nth = int(found[1]) if found and found[1] else None
    if not found or nth == 0 or abs(nth or 1) > NUMBERS["BYWEEKNO"][-1]:
        raise refused(
            "BYDAY has something that is no weekday", fix="Write MO,TU,WE,TH,FR,SA,SU, or 1MO and -1FR."
        )
    return DAYS.index(found[2]), nth


def _week_start(value: str) -> int:
    if value not in DAYS:
        raise refused("WKST is no weekday", fix=f"Write one of {', '.join(DAYS)}.")
    return DAYS.index(value)


def _until(value: str) -> datetime:
    """RFC 5545: beside a beginning with a zone, as publish_at is, it must be in UTC."""
    if _UNTIL.fullmatch(value):
        try:
            return datetime.strptime(value, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        except ValueError:
            pass
    raise refused("UNTIL is not a time in UTC", fix="Write it like UNTIL=20301231T225959Z, with the Z.")


def _check_together(rule: Rule) -> None:
    """What RFC 5545 does not allow together, or would leave without meaning."""
    if rule.count is not None and rule.until is not None:
        raise refused("it has both COUNT and UNTIL", fix="Keep one of them.")
    for name, frequencies in ONLY_IN.items():
        if rule.of(name) and rule.frequency not in frequencies:
            raise refused(
                f"{name} does not go with FREQ={rule.frequency}", fix=f"Use {' or '.join(frequencies)}."
            )
    nth = {number is not None for _, number in rule.weekdays}
    if True in nth and (rule.frequency not in ("YEARLY", "MONTHLY") or rule.of("BYWEEKNO")):
        raise refused(
            "BYDAY has a number, which means something in a month or a year only",
            fix="Write MO instead of 1MO.",
        )
    if len(nth) > 1:
        raise refused(
            "BYDAY has weekdays with and without a number", fix="Make all of them one or the other."
        )
    if rule.of("BYSETPOS") and len(rule.of("BYHOUR")) * len(rule.of("BYMINUTE")) > 1:
        raise refused(
            "BYSETPOS chooses among days, but there are several times a day", fix="Keep one BYHOUR."
        )
    if rule.of("BYSETPOS") and not (rule.weekdays or rule.numbers.keys() - {"BYSETPOS"}):
        raise refused("BYSETPOS has nothing to choose from", fix="Add a part such as BYDAY=MO,TU,WE,TH,FR.")
    if len(rule.of("BYSECOND")) > 1:
        raise refused("posts cannot follow each other by seconds", fix="Keep one BYSECOND, or none.")


def _check_pace(rule: Rule) -> None:
    """Refuse what could come faster than every ``FASTEST`` minutes."""
    minutes = rule.of("BYMINUTE") or (0,)
    if rule.frequency == "MINUTELY":
        shortest = rule.interval
    elif rule.frequency == "HOURLY":
        shortest = _shortest_gap(minutes, around=60 * rule.interval)
    else:
        shortest = _shortest_gap(minutes_of_day(rule.of("BYHOUR") or (0,), minutes), around=24 * 60)
    if shortest < FASTEST:
        raise refused(
            f"its occurrences are less than {FASTEST} minutes apart",
            fix="Use FREQ=MINUTELY;INTERVAL=5 or slower.",
        )


def _shortest_gap(minutes: Iterable[int], *, around: int) -> int:
    """Between two of these, or the last and the first of the next turn."""
    ordered = sorted(minutes)
    return min(later - earlier for earlier, later in pairwise([*ordered, ordered[0] + around]))
