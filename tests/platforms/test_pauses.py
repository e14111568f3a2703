"""A number that sent too much in a second is left alone for one, and longer only where that is too short."""

from datetime import UTC, datetime, timedelta

import pytest

from socialsync.platforms import pauses
from socialsync.platforms.pauses import Pauses

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
KEY = "whatsapp:1"


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


@pytest.fixture
def steady() -> Pauses:
    return Pauses(draw=lambda: 0.5)


def test_it_grows_while_what_follows_a_pause_is_refused(steady):
    now, waits = NOON, []
    for _ in range(8):
        waits.append(steady.after_refusal(KEY, now) / seconds(1))
        now += seconds(waits[-1] + 0.1)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]


def test_what_was_on_its_way_when_it_began_makes_it_no_longer(steady):
    assert steady.after_refusal(KEY, NOON) == seconds(1)
    assert steady.after_refusal(KEY, NOON + seconds(0.25)) == seconds(0.75)
    assert steady.after_refusal(KEY, NOON + seconds(1)) == seconds(2)


def test_it_begins_anew_once_all_went_well_for_as_long(steady):
    steady.after_refusal(KEY, NOON)
    assert steady.after_refusal(KEY, NOON + seconds(1.5)) == seconds(2)
    assert steady.after_refusal(KEY, NOON + seconds(5.6)) == seconds(1)


def test_every_number_has_its_own(steady):
    steady.after_refusal(KEY, NOON)
    steady.after_refusal(KEY, NOON + seconds(1))
    assert steady.after_refusal("whatsapp:2", NOON + seconds(1)) == seconds(1)


@pytest.mark.parametrize(("drawn", "wait"), [(0, 0.8), (1, 1.2)])
def test_two_processes_do_not_come_back_together(drawn, wait):
    assert Pauses(draw=lambda: drawn).after_refusal(KEY, NOON) == seconds(wait)
    assert pauses.JITTER == 0.2
