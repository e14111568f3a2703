"""The set stays as it was written."""

from collections import Counter

from tests.comments import evaluation
from tests.comments.evaluation import KINDS, LABELS, LANGUAGES

DIGEST = "45ca1827527ba80dfc989800fc80c9c01a02c45966480c38cf832c71a37dd354"
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


def test_half_of_each_label_in_each_language_is_held_out():
    found = Counter((each.language, each.label, each.held_out) for each in evaluation.comments())
    for language in LANGUAGES:
        for label in LABELS:
            assert found[language, label, True] == found[language, label, False]


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
