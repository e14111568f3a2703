"""Search and answers, with the calls to models that they need; no transaction is open meanwhile."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from socialsync import telemetry
from socialsync.ai import Message, Spender
from socialsync.ai.errors import AiError
from socialsync.features.knowledge import grounding, reranking, retrieval
from socialsync.features.knowledge.retrieval import Hit
from socialsync.resources import Resources

log = telemetry.get_logger(__name__)

SOURCES = 6
VECTOR_WITHIN_S = 5.0
"""Seconds that somebody who searches waits for the model; then the words must do."""
RERANK_WITHIN_S = 10.0
"""Seconds that a search waits for the model's order; then that of the search must do."""


@dataclass(frozen=True)
class Answer:
    """``sources`` are what it rests on; without any it is not grounded, and says that it does not know."""

    text: str
    sources: Sequence[Hit]

    @property
    def grounded(self) -> bool:
        return bool(self.sources)


@dataclass(frozen=True)
class Found:
    """``degraded``: a model was away, or did not answer in time: found by words alone, or not reranked."""

    hits: list[Hit]
    degraded: bool


async def find(opened: Resources, workspace_id: UUID, query: str, *, limit: int) -> list[Hit]:
    """The best passages for a question. While the model is away they are found by words alone."""
    return (await search(opened, workspace_id, query, limit=limit)).hits


async def search(
    opened: Resources, workspace_id: UUID, query: str, *, limit: int, rerank: bool | None = None
) -> Found:
    """As ``find``, and whether the models did their part.

    Args:
        rerank: have the chat model order what was found; None as the installation is set.
    """
    wanted = opened.settings.rerank if rerank is None else rerank
    found = await _search(opened, workspace_id, query, limit=max(limit, reranking.READ) if wanted else limit)
    if not wanted or len(found.hits) < 2:  # noqa: PLR2004 - nothing to order
        return found
    hits = await _reranked(opened, workspace_id, query, found.hits)
    return Found((hits or found.hits)[:limit], found.degraded or hits is None)


async def _reranked(opened: Resources, workspace_id: UUID, query: str, hits: list[Hit]) -> list[Hit] | None:
    """None while the model is away, too slow, or over its budget."""
    asked = [Message("system", reranking.RULES), Message("user", grounding.framed(query, hits))]
    try:
        async with asyncio.timeout(RERANK_WITHIN_S):
            answer = await opened.ai.decide(Spender(workspace_id, "rerank"), asked, reranking.Ranked)
    except AiError as error:
        log.warning("[KNOWLEDGE] Not reranked", reason=error.message)
    except TimeoutError:
        log.warning("[KNOWLEDGE] Not reranked", reason="The model took too long.")
    else:
        return reranking.ordered(hits, answer.ranking)
    return None


async def _search(opened: Resources, workspace_id: UUID, query: str, *, limit: int) -> Found:
    vector = None
    try:
        async with asyncio.timeout(VECTOR_WITHIN_S):
            (vector,) = await opened.ai.embed(Spender(workspace_id, "search"), [query])
    except AiError as error:
        log.warning("[KNOWLEDGE] Searching by words alone", reason=error.message)
    except TimeoutError:
        log.warning("[KNOWLEDGE] Searching by words alone", reason="The model took too long.")
    async with opened.database.transaction(workspace_id) as session:
        hits = await retrieval.search(
            session, workspace_id, query, vector=vector, model=opened.ai.models.embedding, limit=limit
        )
    return Found(hits, vector is None)


async def answer(
    opened: Resources, workspace_id: UUID, question: str, *, language: str | None = None
) -> Answer:
    """What the workspace's knowledge says to a question, or that it says nothing.

    Raises:
        AiError: the model is away, or the budget spent.
    """
    hits = await find(opened, workspace_id, question, limit=SOURCES)
    if not hits:
        return Answer(grounding.unknown(question, language), ())
    composed = await opened.ai.decide(
        Spender(workspace_id, "answers"),
        [
            Message("system", grounding.rules(language)),
            Message("user", grounding.framed(question, hits)),
        ],
        grounding.Composed,
    )
    cited = grounding.checked(composed, question, hits)
    if cited is None:
        return Answer(grounding.unknown(question, language), ())
    return Answer(composed.answer.strip(), [hits[number] for number in cited])
