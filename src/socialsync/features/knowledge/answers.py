"""Search and answers, with the calls to models that they need; no transaction is open meanwhile."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from socialsync import telemetry
from socialsync.ai import Message, Spender
from socialsync.ai.errors import AiError
from socialsync.features.knowledge import grounding, retrieval
from socialsync.features.knowledge.retrieval import Hit
from socialsync.resources import Resources

log = telemetry.get_logger(__name__)

SOURCES = 6
VECTOR_WITHIN_S = 5.0
"""Seconds that somebody who searches waits for the model; then the words must do."""


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
    """``by_words_alone``: the model was away, or did not answer in time."""

    hits: list[Hit]
    by_words_alone: bool


async def find(opened: Resources, workspace_id: UUID, query: str, *, limit: int) -> list[Hit]:
    """The best passages for a question. While the model is away they are found by words alone."""
    return (await search(opened, workspace_id, query, limit=limit)).hits


async def search(opened: Resources, workspace_id: UUID, query: str, *, limit: int) -> Found:
    """As ``find``, and whether it was by words alone."""
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
