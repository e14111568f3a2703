"""When a recurring post comes next, in the zones whose clocks are strangest."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import example, given, settings
from hypothesis import strategies as st

from socialsync.errors import Invalid
from socialsync.features.posts import recurrence, rules
from tests.doses import examples

STRANGE = (
    "Europe/Paris", "Europe/Dublin", "America/New_York", "Australia/Lord_Howe", "Pacific/Chatham",
    "Africa/Casablanca", "Asia/Kathmandu", "Pacific/Apia", "Antarctica/Troll", "Asia/Gaza",
    "America/Sao_Paulo", "America/St_Johns", "America/Havana", "Asia/Tehran", "Africa/Cairo",
    "Atlantic/Azores", "America/Scoresbysund", "Pacific/Kiritimati", "Asia/Beirut", "UTC",
)  # fmt: skip
RULES = (
    "FREQ=DAILY", "FREQ=DAILY;INTERVAL=3", "FREQ=DAILY;BYHOUR=0,2,23;BYMINUTE=0,30", "FREQ=DAILY;BYMONTH=2,3",
    "FREQ=DAILY;INTERVAL=2;BYMONTHDAY=1,29,30,31", "FREQ=DAILY;BYDAY=MO,SU", "FREQ=WEEKLY",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE,SU", "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=MO,WE,SU",
    "FREQ=WEEKLY;BYMONTH=3,10", "FREQ=MONTHLY", "FREQ=MONTHLY;BYMONTHDAY=-1", "FREQ=MONTHLY;BYMONTHDAY=31",
    "FREQ=MONTHLY;INTERVAL=5;BYDAY=1MO,-1FR", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "FREQ=YEARLY",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "FREQ=YEARLY;INTERVAL=2;BYDAY=20MO", "FREQ=YEARLY;BYYEARDAY=1,-1",
    "FREQ=YEARLY;BYWEEKNO=1,53;BYDAY=TH", "FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", "FREQ=HOURLY;INTERVAL=6",
    "FREQ=HOURLY", "FREQ=HOURLY;INTERVAL=7", "FREQ=HOURLY;INTERVAL=36;BYMINUTE=0,20",
    "FREQ=HOURLY;BYDAY=SU;BYHOUR=1,2,3", "FREQ=MINUTELY;INTERVAL=90", "FREQ=MINUTELY;INTERVAL=25;BYHOUR=2",
)  # fmt: skip
"""What dateutil reads as RFC 5545 does, so that it can say what is right."""
HOUR = timedelta(hours=1)


def wall(zone, *when):
    return datetime(*when, tzinfo=ZoneInfo(zone))


def slots(rule, zone, starts_at, count):
    """The first occurrences, each asked for after the one before."""
    found = [starts_at]
    while len(found) < count and (at := recurrence.next_after(rule, zone, starts_at, found[-1])):
        found.append(at)
    return found


def on_wall(found, zone):
    return [f"{at.astimezone(ZoneInfo(zone)):%m-%d %H:%M}" for at in found]


@st.composite
def beginnings(draw):
    """A zone and a time in it, often near a change of its clocks, at midnight, or on a leap day."""
    zone = draw(st.sampled_from(STRANGE))
    day = draw(
        st.one_of(
            st.dates(date(2008, 1, 1), date(2035, 12, 31)),
            st.sampled_from([date(2011, 12, 29), date(2018, 11, 3), date(2024, 2, 29), date(2028, 2, 29)]),
        )
    )
    hour, minute = draw(
        st.one_of(
            st.tuples(st.integers(0, 23), st.sampled_from([0, 15, 30, 45])),
            st.sampled_from([(0, 0), (0, 30), (1, 45), (2, 15), (2, 30), (23, 59)]),
        )
    )
    at = datetime.combine(day, time(hour, minute), ZoneInfo(zone))
    return zone, at.astimezone(UTC)


def by_hand(rule, zone, starts_at, until):
    """The same by dateutil, from the very beginning, without any of our short cuts."""
    at = ZoneInfo(zone)
    start = starts_at.astimezone(at).replace(tzinfo=None)
    last = until.astimezone(at).replace(tzinfo=None) + timedelta(days=2)
    naive = list(rrulestr(rule, dtstart=start).between(start, last, inc=True))
    instants = {each.replace(tzinfo=at).astimezone(UTC) for each in naive} | {starts_at}
    return sorted(each for each in instants if starts_at <= each <= until)


@given(beginnings(), st.sampled_from(RULES), st.integers(0, 900))
@settings(max_examples=300, deadline=None)
def test_it_is_what_the_standard_says(beginning, rule, days):
    zone, starts_at = beginning
    since = starts_at + timedelta(days=days)
    until = since + timedelta(days=400)
    expected = [at for at in by_hand(rule, zone, starts_at, until) if at > since][:40]
    found = []
    at = recurrence.next_after(rule, zone, starts_at, since)
    while at and at <= until and len(found) < 40:
        found.append(at)
        at = recurrence.next_after(rule, zone, starts_at, at)
    assert found == expected


@given(beginnings(), st.sampled_from(RULES))
@settings(max_examples=examples(150), deadline=None)
def test_occurrences_only_go_forward(beginning, rule):
    zone, starts_at = beginning
    assert all(earlier < later for earlier, later in pairwise(slots(rule, zone, starts_at, 30)))


@given(beginnings(), st.sampled_from(RULES), st.integers(1, 12))
@example(("Pacific/Apia", datetime(2011, 12, 29, 10, tzinfo=UTC)), "FREQ=HOURLY;INTERVAL=7", 5)
@settings(max_examples=examples(100), deadline=None)
def test_count_and_until_end_it(beginning, rule, count):
    zone, starts_at = beginning
    found = slots(rule, zone, starts_at, count)
    counted = slots(f"{rule};COUNT={count}", zone, starts_at, 100)
    assert len(counted) <= count
    assert counted == found[: len(counted)]
    until = found[-1].strftime("%Y%m%dT%H%M%SZ")
    assert slots(f"{rule};UNTIL={until}", zone, starts_at, 100) == found


@given(beginnings(), st.sampled_from(RULES), st.integers(0, 3000), st.integers(0, 3000))
@settings(max_examples=examples(100), deadline=None)
def test_asking_later_never_gives_an_earlier_occurrence(beginning, rule, one, other):
    zone, starts_at = beginning
    sooner, later = sorted((one, other))
    first = recurrence.next_after(rule, zone, starts_at, starts_at + sooner * HOUR)
    second = recurrence.next_after(rule, zone, starts_at, starts_at + later * HOUR)
    if first and second:
        assert starts_at + sooner * HOUR < first <= second


@pytest.mark.parametrize(
    ("zone", "start", "expected"),
    [  # each at a change of its clocks
        ("Europe/Paris", (2026, 3, 28, 2, 30), ["03-28 02:30", "03-29 03:30", "03-30 02:30"]),
        ("Europe/Paris", (2026, 10, 24, 2, 30), ["10-24 02:30", "10-25 02:30", "10-26 02:30"]),
        ("Australia/Lord_Howe", (2026, 10, 3, 2, 15), ["10-03 02:15", "10-04 02:45", "10-05 02:15"]),
        ("America/St_Johns", (2011, 3, 12, 0, 1), ["03-12 00:01", "03-13 01:01", "03-14 00:01"]),
        ("America/Sao_Paulo", (2018, 11, 3, 0, 0), ["11-03 00:00", "11-04 01:00", "11-05 00:00"]),
        ("Asia/Beirut", (2026, 3, 28, 0, 0), ["03-28 00:00", "03-29 01:00", "03-30 00:00"]),
        ("Antarctica/Troll", (2026, 3, 28, 1, 30), ["03-28 01:30", "03-29 03:30", "03-30 01:30"]),
        ("Pacific/Apia", (2011, 12, 28, 10, 0), ["12-28 10:00", "12-29 10:00", "12-31 10:00", "01-01 10:00"]),
    ],
)  # fmt: skip
def test_a_time_that_the_clocks_skip_moves_for_that_day_only(zone, start, expected):
    assert on_wall(slots("FREQ=DAILY", zone, wall(zone, *start), len(expected)), zone) == expected


def test_a_time_that_comes_twice_comes_once_and_first():
    found = slots("FREQ=DAILY", "Europe/Paris", wall("Europe/Paris", 2026, 10, 24, 2, 30), 3)
    assert [f"{at.astimezone(UTC):%d %H:%M}" for at in found] == ["24 00:30", "25 00:30", "26 01:30"]


def test_two_times_that_fall_on_one_instant_are_one():
    found = slots("FREQ=HOURLY", "Europe/Paris", wall("Europe/Paris", 2026, 3, 29, 1), 4)
    assert on_wall(found, "Europe/Paris") == ["03-29 01:00", "03-29 03:00", "03-29 04:00", "03-29 05:00"]


def test_leap_days_come_every_four_years_and_not_in_2100():
    found = slots("FREQ=YEARLY", "UTC", datetime(2092, 2, 29, 9, tzinfo=UTC), 3)
    assert [at.year for at in found] == [2092, 2096, 2104]


def test_a_month_without_a_31st_is_left_out():
    found = slots("FREQ=MONTHLY", "UTC", datetime(2026, 1, 31, 9, tzinfo=UTC), 4)
    assert [at.month for at in found] == [1, 3, 5, 7]


def test_midnight_stays_midnight():
    found = slots("FREQ=DAILY", "America/New_York", wall("America/New_York", 2026, 3, 7), 5)
    assert {at.astimezone(ZoneInfo("America/New_York")).hour for at in found} == {0}


def test_the_first_occurrence_is_the_posts_own_time_whatever_the_rule_says():
    tuesday = datetime(2026, 3, 3, 9, tzinfo=UTC)
    found = slots("FREQ=WEEKLY;BYDAY=MO;COUNT=3", "UTC", tuesday, 10)
    assert [at.day for at in found] == [3, 9, 16]


def test_a_rule_of_long_ago_is_answered_without_counting_through_it():
    starts_at = datetime(1970, 1, 1, tzinfo=UTC)
    after = datetime(2200, 1, 1, tzinfo=UTC)
    for rule in RULES:
        at = recurrence.next_after(rule, "UTC", starts_at, after)
        assert at is not None
        assert after < at < after + timedelta(days=3000)


@pytest.mark.parametrize("text", ["RRULE:FREQ=DAILY;COUNT=3", " freq=daily;count=3; ", "FREQ=DAILY;COUNT=3"])
def test_a_rule_is_stored_in_one_form(text):
    assert recurrence.check_rule(text, "UTC", datetime(2026, 1, 1, tzinfo=UTC)) == "FREQ=DAILY;COUNT=3"


@pytest.mark.parametrize(
    "text",
    [
        "", "daily", "FREQ=", "FREQ=DAILY;;COUNT=2", "FREQ=FORTNIGHTLY", "INTERVAL=2",
        "FREQ=DAILY;FREQ=DAILY", "FREQ=DAILY;COLOUR=BLUE", "FREQ=DAILY;COUNT=0", "FREQ=DAILY;COUNT=-1",
        "FREQ=DAILY;COUNT=1000000", "FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;INTERVAL=1.5",
        "FREQ=DAILY;COUNT=2;UNTIL=20300101T000000Z", "FREQ=DAILY;UNTIL=20300101T000000",
        "FREQ=DAILY;UNTIL=20300101", "FREQ=DAILY;UNTIL=20301301T000000Z",
        "FREQ=DAILY;UNTIL=20200101T000000Z", "FREQ=SECONDLY", "FREQ=SECONDLY;INTERVAL=3600",
        "FREQ=MINUTELY", "FREQ=MINUTELY;INTERVAL=4", "FREQ=HOURLY;BYMINUTE=0,58",
        "FREQ=DAILY;BYHOUR=9;BYMINUTE=0,1", "FREQ=DAILY;BYSECOND=0,30", "FREQ=DAILY;BYHOUR=24",
        "FREQ=DAILY;BYDAY=1MO", "FREQ=WEEKLY;BYMONTHDAY=1", "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=MONTHLY;BYDAY=0MO", "FREQ=MONTHLY;BYDAY=MO,1TU", "FREQ=MONTHLY;BYSETPOS=1",
        "FREQ=MONTHLY;BYWEEKNO=3", "FREQ=DAILY;WKST=XX", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYEASTER=0", "FREQ=DAILY;INTERVAL=7;BYDAY=MO", "FREQ=HOURLY;INTERVAL=24;BYHOUR=3",
        "FREQ=YEARLY;BYMONTH=4;BYMONTHDAY=31", "DTSTART:20260101T000000Z\nRRULE:FREQ=DAILY",
        "FREQ=DAILY\nEXDATE:20260101", "FREQ=DAILY;DTSTART=20260101", "FREQ=DAILY;BYHOUR=" + "1," * 600,
        "FREQ=\u0661", "FREQ=DAILY;COUNT=\u0663", "X" * 5000,
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_followed_is_refused_with_its_fix(text):
    with pytest.raises(Invalid) as refused:
        recurrence.check_rule(text, "UTC", datetime(2026, 3, 3, 9, 30, tzinfo=UTC))
    assert refused.value.field == "recurrence"
    assert refused.value.fix


def test_an_unknown_zone_is_refused():
    with pytest.raises(Invalid) as refused:
        recurrence.check_rule("FREQ=DAILY", "Europe/Atlantis", datetime(2026, 3, 3, tzinfo=UTC))
    assert refused.value.field == "timezone"


@given(
    st.lists(
        st.sampled_from(
            [
                "FREQ=DAILY",
                "FREQ=YEARLY",
                "FREQ=HOURLY",
                "FREQ=MONTHLY",
                "FREQ=WEEKLY",
                "INTERVAL=9999",
                "BYMONTH=2",
                "BYMONTHDAY=30",
                "BYMONTHDAY=-31",
                "BYYEARDAY=366",
                "BYWEEKNO=53",
                "BYDAY=MO",
                "BYDAY=-53SU",
                "BYHOUR=3",
                "BYSETPOS=366",
                "COUNT=10000",
                "WKST=SA",
                "BYMINUTE=59",
                "UNTIL=20991231T000000Z",
            ]
        ),
        max_size=6,
    ).map(";".join)
)
@settings(max_examples=examples(200), deadline=None)
def test_no_rule_keeps_us_searching_for_long(text):  # fmt: skip
    starts_at = datetime(2026, 3, 3, 9, 30, tzinfo=UTC)
    try:
        recurrence.check_rule(text, "America/New_York", starts_at)
    except Invalid:
        return
    for at in islice(slots(text, "America/New_York", starts_at, 5), 1, None):
        assert at > starts_at


def test_every_part_that_is_listed_is_known():
    assert rules.ONLY_IN.keys() <= rules.NUMBERS.keys()


@pytest.mark.parametrize("rule", ["FREQ=YEARLY;BYMONTH=2", "FREQ=YEARLY;BYMONTH=2,7;INTERVAL=2"])
def test_a_year_with_named_months_keeps_the_day_of_the_first(rule):
    starts_at = datetime(2026, 2, 3, 9, 30, tzinfo=UTC)
    recurrence.check_rule(rule, "UTC", starts_at)
    found = recurrence.next_after(rule, "UTC", starts_at, starts_at)
    assert (found.day, found.hour, found.minute) == (3, 9, 30)
    assert found.month in {2, 7}
