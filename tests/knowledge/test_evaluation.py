"""What is found of what is asked: bench/evaluation, by meaning, by words, and by both."""

from collections import Counter

import pytest
from bench import evaluation
from bench.evaluation import LANGUAGES, Question, Scores
from sqlalchemy import text

from socialsync.ai import Spender
from socialsync.features.knowledge import retrieval
from socialsync.features.knowledge.configs import config_of


def test_the_set_is_as_large_as_it_claims():
    found = evaluation.questions()
    assert len(found) >= 150
    assert Counter(each.gold.language for each in found) == dict.fromkeys(LANGUAGES, len(found) // 5)
    assert sum(each.paraphrase for each in found) * 3 >= len(found)
    assert sum(each.gold.held_out for each in found) * 2 == len(found)
    assert sum(each.paraphrase and each.gold.held_out for each in found) * 6 >= len(found)
    assert len({each.text for each in found}) == len(found)


async def test_paraphrases_share_no_content_word_with_their_passage(database):
    async with database.system_transaction("a test asks Postgres for words") as session:
        for question in evaluation.questions():
            if not question.paraphrase:
                continue
            passage = f"{question.gold.heading}\n{question.gold.text}"
            shared = await session.scalar(
                text(
                    "select array_agg(lexeme) from (select lexeme from"
                    " unnest(to_tsvector(cast(:config as regconfig), :asked)) intersect select lexeme from"
                    " unnest(to_tsvector(cast(:config as regconfig), :passage))) as shared"
                ),
                {"config": config_of(question.gold.language), "asked": question.text, "passage": passage},
            )
            assert shared is None, f"{question.text}: {shared}"


@pytest.fixture
async def well_read(library):
    for language in LANGUAGES:
        document = await library.learn(evaluation.document(language), f"{language}.md")
        assert (document["status"], document["chunk_count"]) == ("indexed", 12)
        assert document["language"] == language
    return library


async def test_hybrid_search_is_at_least_as_good_as_either_alone(well_read):
    found = await asked(well_read, [each for each in evaluation.questions() if each.gold.held_out])
    hybrid, vector, words = (found[name] for name in ("hybrid", "vector", "words"))
    assert hybrid.recall_at_5 >= max(vector.recall_at_5, words.recall_at_5), found
    assert hybrid.mrr >= max(vector.mrr, words.mrr), found
    assert hybrid.recall_at_5 >= 0.9, found


async def asked(library, questions: list[Question]) -> dict[str, Scores]:
    vectors = []
    for start in range(0, len(questions), 90):
        texts = [each.text for each in questions[start : start + 90]]
        vectors += await library.opened.ai.embed(Spender(library.workspace_id, "search"), texts)
    ranks: dict[str, list[int | None]] = {"hybrid": [], "vector": [], "words": []}
    async with library.opened.database.transaction(library.workspace_id) as session:
        for question, vector in zip(questions, vectors, strict=True):
            for name, given, words in (
                ("hybrid", vector, question.text),
                ("vector", vector, ""),
                ("words", None, question.text),
            ):
                hits = await retrieval.search(
                    session,
                    library.workspace_id,
                    words,
                    vector=given,
                    model=library.opened.ai.models.embedding,
                    limit=50,
                )
                ranks[name].append(rank_of(question, hits))
    return {name: evaluation.scores(each) for name, each in ranks.items()}


def rank_of(question: Question, hits) -> int | None:
    gold = (question.gold.heading, question.gold.text)
    return next((n for n, hit in enumerate(hits, start=1) if (hit.heading, hit.text) == gold), None)
