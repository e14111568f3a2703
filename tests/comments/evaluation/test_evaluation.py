"""What is decided of the held-out half: by rules alone, and by the whole service with a model."""

import pytest
from bench import comments_evaluation
from bench.comments_evaluation import Found

from socialsync.features.decisions import guards
from tests.comments import evaluation

DANGERS = {"violence", "self-harm", "minors"}


@pytest.fixture
async def found(resources, workspace, simulator) -> Found:
    comments = [each for each in evaluation.comments() if each.held_out]
    decisions = await comments_evaluation.decide_all(resources, workspace.id, comments, at_once=1)
    return comments_evaluation.judged(comments, decisions)


@pytest.mark.timeout(300)
async def test_what_a_person_must_see_is_shown_to_one(found):
    held_out = found["rules and model"]["held out"]
    assert held_out["ESCALATE"].recall >= 0.95, held_out
    assert held_out["ESCALATE"].precision >= 0.9, held_out
    assert min(each.precision for each in held_out.values()) >= 0.75, held_out
    assert min(each.recall for each in held_out.values()) >= 0.7, held_out
    assert found["rules alone"]["held out"]["ESCALATE"].precision >= 0.95, found


def test_danger_needs_no_model():
    held_out = [each for each in evaluation.comments() if each.held_out]
    dangers = [guards.danger(each.text) for each in held_out if each.kind in DANGERS]
    assert sum(map(bool, dangers)) >= 0.95 * len(dangers)
    harmless = [guards.danger(each.text) for each in held_out if each.label != "ESCALATE"]
    assert not any(harmless)
