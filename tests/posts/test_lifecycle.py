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


def test_between_attempts_a_post_can_be_changed():
    lifecycle.check_open("publishing", effect_begun=False, doing="cancelled")


def test_once_the_intent_is_committed_it_cannot():
    with pytest.raises(EffectBegun, match="at this moment"):
        lifecycle.check_open("publishing", effect_begun=True, doing="cancelled")


@pytest.mark.parametrize(
    ("deliveries", "status", "error"),
    [
        ([("sent", None)], "published", None),
        ([("sent", None), ("failed", "No WhatsApp.")], "published", "1 of 2 failed: No WhatsApp."),
        ([("sent", None), ("unknown", "Lost.")], "published", "1 of 2 with unknown outcome: Lost."),
        ([("failed", "No WhatsApp.")], "failed", "No WhatsApp."),
        ([("failed", "A."), ("failed", "B.")], "failed", "2 of 2 failed: A."),
        ([("failed", "A."), ("unknown", "B.")], "unknown", "1 of 2 failed; 1 of 2 with unknown outcome: A."),
    ],
)
def test_a_broadcasts_result_is_computed_from_its_recipients(deliveries, status, error):
    assert lifecycle.result_of(deliveries) == lifecycle.Result(status, error)
