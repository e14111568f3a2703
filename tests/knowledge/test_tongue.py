"""In which language somebody asks, by our own eyes and by the simulator's."""

import pytest

from socialsync.features.knowledge import grounding, tongue
from socialsync.simulator.openai.mind.tongue import language_of as heard_by_the_model
from tests.knowledge.short_questions import SHORT_QUESTIONS


@pytest.mark.parametrize("language_of", [tongue.language_of, heard_by_the_model], ids=["ours", "simulator"])
@pytest.mark.parametrize("language", SHORT_QUESTIONS)
def test_a_short_question_tells_its_language(language, language_of):
    asked = SHORT_QUESTIONS[language].splitlines()
    assert len(asked) >= 20
    assert not [(question, found) for question in asked if (found := language_of(question)) != language]


def test_every_language_can_say_sorry():
    assert set(tongue.LANGUAGES) == set(grounding.UNKNOWN)


@pytest.mark.parametrize(
    ("question", "spoken", "language"),
    [
        ("👍", [], "en"),
        ("👍", ["fr", "de"], "fr"),
        ("👍", ["pt", "de-AT"], "de"),
        ("👍", ["ar"], "ar"),
        ("When are you open?", ["fr", "de"], "en"),
        ("متى تفتحون؟", ["fr"], "ar"),
    ],
)
def test_of_what_tells_no_language_it_is_the_preferred_one(question, spoken, language):
    assert tongue.language_of(question, spoken) == language


async def test_what_is_not_held_is_refused_in_the_language_of_the_question(library):
    await library.learn("# Delivery\nDelivery to Lyon costs 8 euros.\n")
    for language, question in (
        ("es", "¿Cuánto cuesta la Cama Haya?"), ("es", "¿Hay aparcamiento?"),
        ("de", "Gibt es ein Restaurant?"),
        ("fr", "Y a-t-il un parking ?"), ("ar", "هل يوجد موقف سيارات؟"), ("en", "Any desserts?"),
    ):  # fmt: skip
        assert (await library.ask(question)).text == grounding.UNKNOWN[language]
