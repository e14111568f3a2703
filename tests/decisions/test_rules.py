from types import SimpleNamespace

import pytest

from socialsync.errors import Invalid
from socialsync.features.decisions import matching
from socialsync.features.decisions.asking import asks_for_person


def rule(kind: str, pattern: str):
    return SimpleNamespace(kind=kind, pattern=pattern)


@pytest.mark.parametrize(
    ("kind", "pattern", "text", "fits"),
    [
        ("word", "refund", "REFUND now!", True),
        ("word", "refund", "refunds", False),
        ("word", "straße", "In der STRASSE", True),
        ("word", "إلغاء", "أريد إلغاء الطلب", True),
        ("phrase", "not happy", "I am not   happy", True),
        ("phrase", "not happy", "not unhappy", False),
        ("regex", r"order\s+#?\d+", "ORDER #123", True),
        ("regex", "^hi$", "hi there", False),
    ],
)
def test_words_are_found_whole_and_in_any_case(kind, pattern, text, fits):
    assert matching.fits(rule(kind, pattern), text) is fits


def test_an_expression_that_takes_for_ever_fits_nothing():
    assert not matching.fits(rule("regex", r"^(a|aa)+$"), "a" * 200 + "b")


@pytest.mark.parametrize(
    ("kind", "pattern", "says"),
    [
        ("regex", "(open", "position"),
        ("regex", "x*", "fits every text"),
        ("word", "two words", "no blanks"),
    ],
)
def test_a_pattern_that_is_none_is_refused_with_the_place(kind, pattern, says):
    with pytest.raises(Invalid, match=says) as refused:
        matching.check(kind, pattern)
    assert refused.value.field == "pattern"
    assert refused.value.fix


@pytest.mark.parametrize(
    "text",
    [
        "I want to talk to a human",
        "Can I please speak with someone from your team?",
        "give me a real person!!",
        "connect me to an agent",
        "Je veux parler à quelqu\u2019un",
        "Est-ce que je peux parler à un vrai conseiller ?",
        "passez-moi un responsable",
        "Quiero hablar con una persona",
        "necesito un agente",
        "Ich möchte mit einem Mitarbeiter sprechen",
        "Kann ich mit einem echten Menschen reden?",
        "أريد التحدث مع موظف",
    ],
)
def test_who_asks_for_a_person_is_understood_in_five_languages(text):
    assert asks_for_person(text)


@pytest.mark.parametrize(
    "text",
    [
        "How much is a room per person?",
        "Do you have a table for four?",
        "Combien coûte le menu par personne ?",
        "¿Cuánto cuesta por persona?",
        "Was kostet es pro Person?",
        "متى تفتحون؟",
    ],
)
def test_who_asks_for_a_price_is_not_taken_for_one_who_asks_for_a_person(text):
    assert not asks_for_person(text)
