"""When a schedule comes next, also on the days when clocks change."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialsync.errors import Invalid
from socialsync.queue import cadence

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))


def following(after: str, *, cron: str | None = None, every_s: float | None = None, timezone: str = "UTC"):
    moment = datetime.fromisoformat(after)
    return cadence.next_at(cron=cron, every_s=every_s, timezone=timezone, after=moment)


@given(MOMENTS, st.floats(0.1, 100_000))
def test_an_interval_comes_next_within_one_step(after, every_s):
    found = cadence.next_at(cron=None, every_s=every_s, timezone="UTC", after=after)
    assert after < found <= after + timedelta(seconds=every_s)


@given(MOMENTS, st.sampled_from([0.5, 1.0, 60.0, 300.0]))
def test_every_process_finds_the_same_instants(after, every_s):
    found = cadence.next_at(cron=None, every_s=every_s, timezone="UTC", after=after)
    almost = found - timedelta(microseconds=1)
    assert cadence.next_at(cron=None, every_s=every_s, timezone="UTC", after=almost) == found


def test_every_minute_is_at_the_full_minute():
    assert following("2026-03-04T12:00:30.5+00:00", cron="* * * * *") == datetime(
        2026, 3, 4, 12, 1, tzinfo=UTC
    )


def test_midnight_is_the_zones_own():
    assert following("2026-03-04T12:00:00+00:00", cron="0 0 * * *", timezone="Asia/Kolkata") == datetime(
        2026, 3, 4, 18, 30, tzinfo=UTC
    )


def test_an_hour_that_comes_twice_has_one_tick():
    first = following("2026-10-25T00:00:00+00:00", cron="30 2 * * *", timezone="Europe/Paris")
    second = following(first.isoformat(), cron="30 2 * * *", timezone="Europe/Paris")
    assert second - first > timedelta(hours=23)


def test_a_rule_of_every_hour_ticks_in_both_of_two_equal_hours():
    first = following("2026-10-25T00:00:00+00:00", cron="30 * * * *", timezone="Europe/Paris")
    second = following(first.isoformat(), cron="30 * * * *", timezone="Europe/Paris")
    assert second - first == timedelta(hours=1)


def test_an_hour_that_the_clocks_skip_has_its_tick_all_the_same():
    found = following("2026-03-28T12:00:00+00:00", cron="30 2 * * *", timezone="Europe/Paris")
    assert datetime(2026, 3, 29, 0, tzinfo=UTC) < found < datetime(2026, 3, 29, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"cron": None, "every_s": None}, "cron"),
        ({"cron": "* * * * *", "every_s": 60}, "cron"),
        ({"cron": "every day", "every_s": None}, "cron"),
        ({"cron": "0 0 30 2 *", "every_s": None}, "cron"),
        ({"cron": None, "every_s": 0.05}, "every_s"),
        ({"cron": None, "every_s": 1e12}, "every_s"),
        ({"cron": None, "every_s": float("nan")}, "every_s"),
        ({"cron": None, "every_s": float("inf")}, "every_s"),
        ({"cron": "* * * * *", "every_s": None, "timezone": "Mars/Olympus"}, "timezone"),
        ({"cron": "* * * * *", "every_s": None, "timezone": "../etc/passwd"}, "timezone"),
    ],
)
def test_a_rule_that_cannot_be_followed_is_refused_by_name(rule, field):
    with pytest.raises(Invalid) as refused:
        cadence.check(**{"timezone": "UTC", **rule})
    assert refused.value.field == field
    assert refused.value.fix
