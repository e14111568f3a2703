"""Rate limit headers, as Meta's pages show them and as they never should be."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialsync.platforms.usage import Usage, read_usage, read_wait, wait_for

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def business(**limit: object) -> dict[str, str]:
    return {"X-Business-Use-Case-Usage": json.dumps({"1": [{"type": "pages"}], "2": [limit]})}


def test_the_fullest_limit_counts():
    headers = {
        "X-App-Usage": '{"call_count":28,"total_time":91,"total_cputime":25}',
        **business(call_count=17),
    }
    assert read_usage(headers) == Usage(91.0, None)


def test_the_time_to_regain_access_is_in_minutes():
    headers = business(call_count=100, estimated_time_to_regain_access=19)
    assert read_usage(headers) == Usage(100.0, timedelta(minutes=19))
    assert read_wait(headers, NOON) == timedelta(minutes=19)


def test_the_longer_wait_wins():
    headers = business(estimated_time_to_regain_access=1) | {"retry-after": "120"}
    assert read_wait(headers, NOON) == timedelta(minutes=2)


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("30", timedelta(seconds=30)),
        ("Wed, 04 Mar 2026 12:10:00 GMT", timedelta(minutes=10)),
        ("Wed, 04 Mar 2026 11:00:00 GMT", None),
        ("0", None),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("²", None),
        ("9" * 500, timedelta(days=1)),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, wait: timedelta | None):
    assert read_wait({"Retry-After": value}, NOON) == wait


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        "[",
        "null",
        "7",
        '{"call_count":"many"}',
        '{"call_count":true,"total_time":null}',
        '{"call_count":NaN,"estimated_time_to_regain_access":Infinity}',
        f'{{"call_count":{"9" * 400}}}',
        "[" * 100_000,
    ],
)
def test_a_header_without_sense_says_nothing(header: str):
    for name in ("X-App-Usage", "X-Business-Use-Case-Usage"):
        assert read_usage({name: header}) == Usage()


def test_no_headers_say_nothing():
    assert read_usage({}) == Usage()
    assert read_wait({}, NOON) is None


@given(st.text())
def test_no_header_can_break_us(value: str):
    headers = {"Retry-After": value, "X-App-Usage": value}
    wait = read_wait(headers, NOON)
    assert wait is None or timedelta(0) < wait <= timedelta(days=1)


@pytest.mark.parametrize(
    ("told", "regain", "wait"),
    [
        ("5", 1, timedelta(seconds=5)),
        ("59", 1, timedelta(seconds=59)),
        ("90", 2, timedelta(seconds=90)),
        ("90", 1, timedelta(seconds=90)),
        ("5", 7, timedelta(minutes=7)),
        ("", 1, timedelta(minutes=1)),
        ("Wed, 04 Mar 2026 12:00:07 GMT", 1, timedelta(seconds=7)),
    ],
)
def test_of_a_time_in_whole_minutes_retry_after_tells_the_seconds(told: str, regain: int, wait: timedelta):
    usage = f'{{"call_count": 100, "estimated_time_to_regain_access": {regain}}}'
    headers = {"Retry-After": told, "X-App-Usage": usage}
    assert read_wait(headers, NOON) == wait
    assert wait_for(read_usage(headers), read_wait(headers, NOON)) == wait


def test_a_wait_is_never_shorter_than_a_second():
    moment = NOON - timedelta(milliseconds=200)
    assert read_wait({"Retry-After": "Wed, 04 Mar 2026 12:00:00 GMT"}, moment) == timedelta(seconds=1)
