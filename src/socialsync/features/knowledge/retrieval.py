"""Finding passages: by meaning and by words, the two lists fused by rank.

Reciprocal rank fusion: Cormack, Clarke, Buettcher, SIGIR 2009, with their k = 60; ranks of different measures
can be added, scores cannot. Words are those of each chunk's own language. Vectors are searched exactly while
the workspace is small, which is fast and finds all; else by the HNSW index, iterating until enough of this
workspace is found (pgvector, "Iterative index scans").
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.features.knowledge.configs import config_of
from socialsync.features.knowledge.queries import vector_text

EXACT_UP_TO = 5_000
"""Chunks of a workspace up to which each is compared."""
CANDIDATES = 50
"""Of each list."""
EF_SEARCH = 100
MOST = 50
LANGUAGES = ("en", "fr", "es", "de", "ar")

_IS_SMALL = text("""
select count(*) <= :most from (
    select from knowledge_chunks where workspace_id = :workspace_id limit :most + 1) as counted
""")
_ITERATE = text(
    "select set_config('hnsw.iterative_scan', 'strict_order', true),"
    " set_config('hnsw.ef_search', cast(:ef_search as text), true),"
    " set_config('hnsw.max_scan_tuples', '20000', true)"
)
_SEARCH = """
with near as materialized (
    select id, row_number() over (order by distance, id) as rank, -distance as likeness from (
        select id, (embedding <#> cast(:vector as halfvec(1536))){exact} as distance from knowledge_chunks
        where workspace_id = :workspace_id and embedding is not null and model = :model
        order by 2 limit :candidates
    ) as nearest
), asked as (
    select cast(config as regconfig) as config, (
        select cast(string_agg(quote_literal(lexeme), ' | ') as tsquery)
        from unnest(to_tsvector(cast(config as regconfig), :words))) as query
    from unnest(cast(:configs as text[])) as config
), worded as materialized (
    select id, row_number() over (order by score desc, id) as rank from (
        select chunk.id, ts_rank_cd(array[0.1, 0.2, 0.4, 1.0], chunk.words, asked.query, 1) as score
        from asked join knowledge_chunks chunk
            on chunk.words @@ asked.query and chunk.config = asked.config
        where chunk.workspace_id = :workspace_id and asked.query is not null
        order by score desc limit :candidates
    ) as best
), fused as (
    select coalesce(near.id, worded.id) as id, near.likeness,
        coalesce(1.0 / (60 + near.rank), 0) + coalesce(1.0 / (60 + worded.rank), 0) as score
    from near full outer join worded on worded.id = near.id
)
select chunk.id, chunk.document_id, chunk.faq_id, chunk.text, chunk.heading, chunk.page, chunk.language,
    document.title, document.url, document.filename, fused.likeness,
    cast(fused.score * (case when chunk.faq_id is not null then 1.1 else 1 end) as float8) as score
from fused join knowledge_chunks chunk on chunk.id = fused.id and chunk.workspace_id = :workspace_id
left join knowledge_documents document
    on document.workspace_id = chunk.workspace_id and document.id = chunk.document_id
order by score desc, chunk.id limit :limit
"""
_EXACT, _INDEXED = (text(_SEARCH.format(exact=exact)) for exact in (" + 0", ""))


@dataclass(frozen=True)
class Hit:
    """A passage that was found. ``score``: of the fusion, up to about 0.036; ``likeness``: cosine with the
    question, None when only its words were found.
    """

    chunk_id: UUID
    document_id: UUID | None
    faq_id: UUID | None
    text: str
    heading: str | None
    page: int | None
    language: str | None
    title: str | None
    url: str | None
    score: float
    likeness: float | None


async def search(
    session: AsyncSession,
    workspace_id: UUID,
    query: str,
    *,
    vector: Sequence[float] | None,
    model: str,
    limit: int,
) -> list[Hit]:
    """The best passages for a question, best first.

    Args:
        vector: of the question; None searches by words alone, as when the model is away.
    """
    values = {"workspace_id": workspace_id, "most": EXACT_UP_TO}
    small = await session.scalar(_IS_SMALL, values)
    if not small:
        await session.execute(_ITERATE, {"ef_search": EF_SEARCH})
    rows = await session.execute(
        _EXACT if small else _INDEXED,
        {
            "workspace_id": workspace_id,
            "vector": None if vector is None else vector_text(vector),
            "model": model,
            "words": query,
            "configs": sorted({config_of(None), *(config_of(language) for language in LANGUAGES)}),
            "candidates": CANDIDATES,
            "limit": limit,
        },
    )
    return [_hit(row) for row in rows.mappings()]


def _hit(row: RowMapping) -> Hit:
    return Hit(
        chunk_id=row["id"],
        document_id=row["document_id"],
        faq_id=row["faq_id"],
        text=row["text"],
        heading=row["heading"],
        page=row["page"],
        language=row["language"],
        title=row["title"] or row["filename"],
        url=row["url"],
        score=row["score"],
        likeness=row["likeness"],
    )
