"""The set stays as it was written."""

from collections import Counter

from tests.comments import evaluation
from tests.comments.evaluation import KINDS, LABELS, LANGUAGES

DIGEST = "3aa5a94a32e8efdc31827734ed52698d4d4056d068bb7e96f97123e1d8a27b5d"
"""Labels were given before rules were tuned: whoever changes the set says so here."""


def test_the_set_is_frozen():
    assert evaluation.digest() == DIGEST


def test_the_set_is_as_large_as_it_claims():
    found = evaluation.comments()
    assert Counter(each.language for each in found) == dict.fromkeys(LANGUAGES, 72)
    assert Counter(each.label for each in found) == {"RESPOND": 112, "IGNORE": 88, "ESCALATE": 88}
    assert len({each.text for each in found}) == len({each.id for each in found}) == len(found)
    assert {each.kind for each in found} == set(KINDS)
    assert len({each.post for each in found}) == 12
    assert all(3 <= len(each.post.knowledge.splitlines()) <= 6 for each in found)


def test_half_of_each_label_and_kind_is_held_out():
    found = Counter((each.label, each.held_out) for each in evaluation.comments())
    assert all(found[label, True] == found[label, False] for label in LABELS)
    found = Counter((each.label, each.kind, each.held_out) for each in evaluation.comments())
    for label, kind, _ in found:
        assert abs(found[label, kind, True] - found[label, kind, False]) <= 1
    found = Counter((each.language, each.label) for each in evaluation.comments() if each.held_out)
    assert min(found.values()) >= 10, found


def test_scores_count_what_was_given_and_what_was_found():
    pairs = [
        ("ESCALATE", "ESCALATE"),
        ("ESCALATE", "IGNORE"),
        ("RESPOND", "ESCALATE"),
        ("RESPOND", "RESPOND"),
    ]
    found = evaluation.scores(pairs)
    assert (found["ESCALATE"].precision, found["ESCALATE"].recall) == (0.5, 0.5)
    assert (found["RESPOND"].precision, found["RESPOND"].recall) == (1, 0.5)
    assert (found["IGNORE"].precision, found["IGNORE"].comments) == (0, 0)
