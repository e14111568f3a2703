"""The demo's people: what they must be told is told apart from what they were."""

from datetime import UTC, datetime, timedelta

import pytest

from socialsync.cli.chats import _not_now
from socialsync.cli.people import Cast
from socialsync.features.accounts import hours

MIDNIGHT = datetime(2026, 3, 4, tzinfo=UTC)


@pytest.mark.parametrize("hour", range(24))
def test_where_it_is_night_nobody_is_there_for_an_hour_at_least(hour):
    now = MIDNIGHT + timedelta(hours=hour)
    there = hours.check_hours(_not_now(now))
    assert not any(hours.are_there(there, now + timedelta(minutes=minute)) for minute in range(-60, 60))
    assert any(hours.are_there(there, now + timedelta(hours=ahead)) for ahead in range(24))


def test_who_is_interrupted_must_have_a_stale_answer_that_nobody_saw():
    hasty = Cast().hasty
    hasty.got, hasty.read = ["We close at seven in the evening."], 1
    hasty.drafts = 1
    assert (hasty.dropped, hasty.good) == (0, False)
    hasty.drafts = 2
    assert (hasty.dropped, hasty.good) == (1, True)
    hasty.got, hasty.read = hasty.got * 2, 2
    assert not hasty.good


def test_an_answer_must_be_read():
    burst = Cast().burst
    burst.got = ["We close at seven in the evening."]
    assert not burst.good
    burst.read = 1
    assert burst.good


def test_what_came_of_them_is_counted():
    cast = Cast()
    cast.again.bursts, cast.again.got = [["Open?", "Open?"], ["Open?"]], ["Yes."]
    cast.night.bursts, cast.night.got = [["Open?"]], ["Our team is not here right now."]
    cast.hasty.drafts = 1
    assert cast.came.splitlines() == [
        "3 bursts of 4 messages, each told twice: the world saw 2 answers, 0 of them read.",
        "Interrupted: 1 answer written, 1 of them stale and dropped, 0 seen.",
        "Repeated: the same words 3 times in 2 bursts, 1 answer.",
        "At night: 1 answer, 1 of them that nobody is there now.",
    ]
