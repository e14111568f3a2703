"""The chat model orders what was found; whatever it answers, nothing found is lost."""

from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialsync.features.knowledge import answers, reranking
from socialsync.features.knowledge.retrieval import Hit
from tests.knowledge.test_endpoints import file

SEARCH = "/api/v1/knowledge/search"
CHAT = {"match": {"kind": "openai_chat"}}
TEXT = (
    "# Parking\nGuests park behind the house, where there are twenty places.\n\n"
    "# Parking fees\nParking costs four euros a day; guests of the restaurant park for nothing.\n"
)


def hit(n: int) -> Hit:
    return Hit(uuid4(), uuid4(), None, f"text {n}", None, None, None, None, None, 1 / (60 + n), None)


@given(st.integers(0, 8), st.lists(st.integers(-3, 12)))
def test_every_passage_stays_once_and_the_best_score_comes_first(count, ranking):
    hits = [hit(n) for n in range(count)]
    found = reranking.ordered(hits, ranking)
    assert {each.text for each in found} == {each.text for each in hits}
    assert [each.score for each in found] == [each.score for each in hits]
    named = list(dict.fromkeys(f"text {n - 1}" for n in ranking if 1 <= n <= count))
    assert [each.text for each in found[: len(named)]] == named
    rest = [each.text for each in found[len(named) :]]
    assert rest == sorted(rest)


@pytest.fixture
async def told(client, library):
    answer = await client.post("/api/v1/documents", files=file(TEXT, "parking.md"))
    assert answer.status_code == 202
    await library.work()


async def calls(library) -> list[str]:
    return [row["purpose"] for row in await library.rows("select purpose from ai_calls where kind = 'chat'")]


async def test_only_who_asks_for_it_pays_for_it(client, library, told):
    question = {"query": "What does parking cost?", "limit": 1}
    plain = (await client.post(SEARCH, json=question)).json()
    assert await calls(library) == []
    ranked = (await client.post(SEARCH, json={**question, "rerank": True})).json()
    assert await calls(library) == ["rerank"]
    assert (plain["degraded"], ranked["degraded"]) == (False, False)
    (first,) = ranked["items"]
    assert first["source"]["heading"] == "Parking fees"
    assert len(plain["items"]) == 1


async def test_the_installation_may_want_it_everywhere(library, client, told):
    opened = replace(library.opened, settings=library.opened.settings.model_copy(update={"rerank": True}))
    await answers.find(opened, library.workspace_id, "What does parking cost?", limit=2)
    found = await answers.search(opened, library.workspace_id, "Where is parking?", limit=2, rerank=False)
    assert len(found.hits) == 2
    assert await calls(library) == ["rerank"]


async def test_without_the_model_the_order_is_that_of_the_search(client, told, simulator):
    question = {"query": "What does parking cost?"}
    plain = (await client.post(SEARCH, json=question)).json()
    simulator.fault(action="status", status=503, times=None, **CHAT)
    ranked = (await client.post(SEARCH, json={**question, "rerank": True})).json()
    assert ranked == {**plain, "degraded": True}
