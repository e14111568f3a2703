"""When a post is looked at: by its age, half-open, and never after its seventh day."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from socialsync.features.comments import polling

PUBLISHED = datetime(2026, 3, 4, 12, tzinfo=UTC)
STOP = PUBLISHED + timedelta(days=7)
MINUTE = timedelta(minutes=1)
ages = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=9))


def after(age: timedelta) -> timedelta | None:
    at = PUBLISHED + age
    following = polling.next_check(PUBLISHED, STOP, at)
    return following - at if following else None


def test_it_is_looked_at_less_often_as_it_grows_old():
    assert after(timedelta(0)) == 5 * MINUTE
    assert after(timedelta(days=2) - MINUTE) == 5 * MINUTE
    assert after(timedelta(days=2)) == 15 * MINUTE
    assert after(timedelta(days=5) - MINUTE) == 15 * MINUTE
    assert after(timedelta(days=5)) == 30 * MINUTE
    assert after(timedelta(days=7) - 31 * MINUTE) == 30 * MINUTE
    assert after(timedelta(days=7) - 30 * MINUTE) is None, "on its seventh day it stops"
    assert after(timedelta(days=7)) is None


@given(ages)
def test_the_next_look_is_later_and_before_the_end(age):
    at = PUBLISHED + age
    following = polling.next_check(PUBLISHED, STOP, at)
    if following is not None:
        assert at < following < STOP
        assert following - at in {5 * MINUTE, 15 * MINUTE, 30 * MINUTE}
    if age < timedelta(days=7) - 30 * MINUTE:
        assert following is not None


@given(ages, ages)
def test_older_posts_are_never_looked_at_more_often(one, other):
    younger, older = sorted((one, other))
    if (slow := after(older)) is not None and (fast := after(younger)) is not None:
        assert fast <= slow


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(minutes=5)))
def test_a_post_has_few_hundred_looks_and_three_full_passes(offset):
    at, looks, passes, last = PUBLISHED + offset, 0, 0, None
    while at is not None:
        looks += 1
        if polling.needs_full_pass(PUBLISHED, last, at):
            passes, last = passes + 1, at
        at = polling.next_check(PUBLISHED, STOP, at)
    assert 950 <= looks <= 962  # 576 + 288 + 96
    assert passes == 3


def test_a_full_pass_that_did_not_come_to_its_end_is_made_up_for():
    at = PUBLISHED + timedelta(days=4)
    assert polling.needs_full_pass(PUBLISHED, None, at)
    assert polling.needs_full_pass(PUBLISHED, PUBLISHED + timedelta(days=2), at)
    assert not polling.needs_full_pass(PUBLISHED, PUBLISHED + timedelta(days=3), at)
    assert not polling.needs_full_pass(PUBLISHED, None, PUBLISHED + timedelta(hours=23))
