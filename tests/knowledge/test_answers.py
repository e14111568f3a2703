"""Questions to documents that are learnt as a user's are, answered by the simulator's model."""

import pytest

from tests.simulator import answering
from tests.simulator.answering import HELD, NOT_HELD, PARAPHRASED, Question

TERMS = """\
# Delivery
Delivery to France costs 8 euros.

# Animaux
Les chiens sont admis en terrasse.
"""


async def test_a_name_that_the_sources_have_is_no_answer(library):
    await library.learn(TERMS)
    assert "8 euros" in (await library.ask("How much is delivery to France?")).text
    for question in ("Who is the president of France?", "¿Cuál es la capital de Francia?"):
        assert not (await library.ask(question)).grounded


async def test_another_language_is_quoted_in_the_language_that_was_asked_for(library):
    await library.learn(TERMS)
    found = await library.ask("Are dogs allowed?")
    assert found.text == "Our documents say, in French: “Les chiens sont admis en terrasse.”"
    assert found.grounded
    told = await library.ask("Are dogs allowed?", language="de")
    assert told.text.startswith("In unseren Unterlagen steht, auf Französisch:")


@pytest.mark.timeout(180)
async def test_what_documents_hold_is_answered_and_what_they_do_not_is_refused(library):
    """Five documents in one workspace. Measured: 0.98 of what is held, in its own words; 0.53 in others; and
    0.88 of what is not.
    """
    for document in answering.LANGUAGES:
        await library.learn(answering.markdown(document), f"{document}.md")
    asked = answering.questions()
    missed = [question for question in asked if not is_right(question, await library.ask(question.text))]
    for kind, least in ((HELD, 0.97), (PARAPHRASED, 0.53), (NOT_HELD, 0.88)):
        count = sum(question.kind == kind for question in asked)
        of_kind = [question.text for question in missed if question.kind == kind]
        assert len(of_kind) <= (1 - least) * count, of_kind


def is_right(question: Question, found) -> bool:
    if question.kind == NOT_HELD:
        return not found.grounded
    return found.grounded and question.expected in found.text
