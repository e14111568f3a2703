"""``/api/v1/knowledge``: search and answers."""

from socialsync.api.opened import Opened
from socialsync.api.principal import Reader
from socialsync.api.routing import Router
from socialsync.features.knowledge import answers
from socialsync.features.knowledge.retrieval import Hit
from socialsync.features.knowledge.schemas import (
    Ask,
    HitAnswer,
    Hits,
    KnowledgeAnswer,
    Search,
    SourceAnswer,
)

router = Router(tags=["knowledge"])


@router.post("/api/v1/knowledge/search", summary="Search the knowledge")
async def search(body: Search, caller: Reader, opened: Opened) -> Hits:
    """Passages by meaning and by words, best first; with `rerank`, in the order of the chat model, which
    reads the best 20. While a model is away, by words alone or not reranked: `degraded`.
    """
    found = await answers.search(
        opened, caller.workspace_id, body.query, limit=body.limit, rerank=body.rerank
    )
    return Hits(items=[_shown(hit) for hit in found.hits], degraded=found.degraded)


@router.post("/api/v1/knowledge/answer", summary="Ask the knowledge")
async def answer(body: Ask, caller: Reader, opened: Opened) -> KnowledgeAnswer:
    """An answer that rests on the passages it names; or, `grounded: false`, that the knowledge does not hold
    it.
    """
    found = await answers.answer(opened, caller.workspace_id, body.question, language=body.language)
    return KnowledgeAnswer(
        answer=found.text, sources=[_shown(hit) for hit in found.sources], grounded=found.grounded
    )


def _shown(hit: Hit) -> HitAnswer:
    source = SourceAnswer(title=hit.title, heading=hit.heading, page=hit.page, url=hit.url, faq_id=hit.faq_id)
    return HitAnswer(
        document_id=hit.document_id, chunk_id=hit.chunk_id, text=hit.text, score=hit.score, source=source
    )
