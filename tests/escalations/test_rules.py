"""How urgent, until when, and when the next mail leaves."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialsync.features.escalations import digest, urgency

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
moments = st.lists(st.integers(0, 4 * 3600), min_size=1, max_size=60).map(sorted)


def test_the_more_urgent_is_due_sooner():
    due = [urgency.due_at(rank, NOON) for rank in urgency.RANKS]
    assert due == sorted(due, reverse=True)
    assert len(set(due)) == len(due)
    assert urgency.due_at("urgent", NOON) == NOON + timedelta(minutes=15)


@pytest.mark.parametrize(
    ("source", "rule", "expected"),
    [
        ("moderation", "self-harm", "urgent"),
        ("model", "threat of violence", "urgent"),
        ("guardrail", "self_harm", "urgent"),
        ("rule", "children's menu", "high"),
        ("rule", "refunds", "high"),
        ("model", "complaint", "high"),
        ("guardrail", "asks_for_person", "high"),
        ("guardrail", "not_known", "normal"),
        ("settings", None, "normal"),
    ],
)
def test_what_was_decided_says_how_urgent_it_is(source, rule, expected):
    assert urgency.of_judgement(source, rule) == expected


def test_the_first_mail_leaves_at_once_and_the_next_five_minutes_later():
    assert digest.next_at(None, NOON) == NOON
    assert digest.next_at(NOON, NOON + timedelta(seconds=1)) == NOON + timedelta(minutes=5)
    assert digest.next_at(NOON, NOON + timedelta(hours=1)) == NOON + timedelta(hours=1)


@given(moments)
def test_however_many_come_no_two_mails_are_close_and_nothing_waits_longer_than_the_pause(seconds):
    left: list[datetime] = []
    for second in seconds:
        at = NOON + timedelta(seconds=second)
        if left and left[-1] >= at:
            continue  # it is in the mail that waits
        left.append(digest.next_at(left[-1] if left else None, at))
        assert left[-1] - at <= digest.EVERY
    assert all(later - earlier >= digest.EVERY for earlier, later in itertools.pairwise(left))
