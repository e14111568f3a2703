"""The rules of a post, without a database."""

import pytest

from socialsync.features.posts import lifecycle
from socialsync.features.posts.lifecycle import EffectBegun, PostSettled


@pytest.mark.parametrize("status", ["draft", "queued", "failed"])
@pytest.mark.parametrize("effect_begun", [False, True])
def test_a_post_that_is_not_on_its_way_can_be_changed(status, effect_begun):
    lifecycle.check_open(status, effect_begun=effect_begun, doing="edited")


@pytest.mark.parametrize("status", ["published", "cancelled", "unknown"])
def test_a_post_that_has_ended_cannot_be_changed(status):
    with pytest.raises(PostSettled, match="cannot be edited"):
        lifecycle.check_open(status, effect_begun=False, doing="edited")


def test_of_a_post_that_may_be_published_one_is_told_to_find_out_and_not_to_write_another():
    with pytest.raises(PostSettled) as refused:
        lifecycle.check_open("unknown", effect_begun=False, doing="edited")
    assert "resolve" in str(refused.value.fix)
    assert "Create a new post" not in str(refused.value.fix)


def test_between_attempts_a_post_can_be_changed():
    lifecycle.check_open("publishing", effect_begun=False, doing="cancelled")


def test_once_the_intent_is_committed_it_cannot():
    with pytest.raises(EffectBegun, match="at this moment"):
        lifecycle.check_open("publishing", effect_begun=True, doing="cancelled")


@pytest.mark.parametrize(
    ("counts", "reason", "status", "error"),
    [
        ({"sent": 1}, None, "published", None),
        ({"read": 1, "delivered": 3}, None, "published", None),
        ({"sent": 1, "failed": 1}, "No WhatsApp.", "published", "1 of 2 failed: No WhatsApp."),
        ({"sent": 1, "unknown": 1}, "Lost.", "published", "1 of 2 with unknown outcome: Lost."),
        ({"failed": 1}, "No WhatsApp.", "failed", "No WhatsApp."),
        ({"failed": 2}, "A.", "failed", "2 of 2 failed: A."),
        ({"failed": 1, "unknown": 1}, "A.", "unknown", "1 of 2 failed; 1 of 2 with unknown outcome: A."),
        ({"sent": 9_988, "failed": 12}, "A.", "published", "12 of 10,000 failed: A."),
    ],
)
def test_a_broadcasts_result_is_computed_from_its_recipients(counts, reason, status, error):
    assert lifecycle.result_of(counts, reason) == lifecycle.Result(status, error)
