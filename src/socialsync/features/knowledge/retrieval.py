"""Finding passages: by meaning and by words, the two lists fused by rank.

Reciprocal rank fusion: Cormack, Clarke, Buettcher, SIGIR 2009, with their k = 60; ranks of different measures
can be added, scores cannot. Words are those of each passage's own language, without the little words of the
question's, and weigh the more the rarer they are (the idf of BM25). How much a rank by words counts depends
on how much of the question's weight the passage has: a question in other words than the passage's is left to
the vectors. Of equals, the passage in the question's language comes first.

Vectors are searched exactly while the workspace is small, which is fast and finds all. Of a large one most
are ``nearby``, in the HNSW index, which iterates until enough of this workspace is found (pgvector,
"Iterative index scans"); the latest are compared exactly beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.features.knowledge.configs import config_of
from socialsync.features.knowledge.queries import vector_text

COUNTED = 5_000
"""Passages up to which a workspace's are counted, to weigh words by."""
CANDIDATES = 50
"""Of each list."""
SOME = 200
"""Passages that are looked at for each word. All of them for a rare one, and any for a common one: whatever
else of the question these have is found by the rarer words."""
EF_SEARCH = 100
TRUST = 2.0
"""Power of the share of a question's words that a passage has; chosen on the half of bench/evaluation that
may be looked at, as is the next."""
KIN = 1.1
"""What it is worth that a passage is in the question's language."""
MOST = 50
LANGUAGES = ("en", "fr", "es", "de", "ar")

_COUNT = text("""
select count(*) from (
    select from knowledge_chunks where workspace_id = :workspace_id limit :most + 1) as counted
""")
_ITERATE = text(
    "select set_config('hnsw.iterative_scan', 'strict_order', true),"
    " set_config('hnsw.ef_search', cast(:ef_search as text), true),"
    " set_config('hnsw.max_scan_tuples', '20000', true)"
)
_SEARCH = text("""
with near as materialized (
    select id, config, is_faq, row_number() over (order by distance, id) as rank, -distance as likeness from (
        (
            select id, config, faq_id is not null as is_faq,
                embedding <#> cast(:vector as halfvec(1536)) as distance
            from knowledge_chunks
            where workspace_id = :workspace_id and nearby and model = :model
                and (select cast(:vector as halfvec(1536)) is not null and exists (
                    select from knowledge_chunks where workspace_id = :workspace_id and nearby))
            order by embedding <#> cast(:vector as halfvec(1536)) limit :candidates
        ) union all (
            select id, config, faq_id is not null as is_faq,
                (embedding <#> cast(:vector as halfvec(1536))) + 0 as distance
            from knowledge_chunks
            where workspace_id = :workspace_id and not nearby and embedding is not null and model = :model
                and cast(:vector as halfvec(1536)) is not null
            order by 4 limit :candidates
        ) order by distance limit :candidates
    ) as nearest
), tokens as materialized (
    select lexeme as token from unnest(to_tsvector('simple', :words)) limit 50
), spoken as materialized (  -- the language whose little words are in the question
    select config from (
        select cast(config as regconfig) as config, count(*) filter (
            where to_tsvector(cast(config as regconfig), token) = ''
                or config = 'arabic' and token ~ '[\u0600-\u06ff]') as little
        from unnest(cast(:configs as text[])) as config cross join tokens group by 1
    ) as guessed where little > 0 order by little desc, config limit 1
), terms as materialized (
    select token, cast(config as regconfig) as config, quote_literal(stem.lexeme) as term
    from tokens cross join unnest(cast(:configs as text[])) as config
    cross join unnest(to_tsvector(cast(config as regconfig), token)) as stem
    where not exists (select from spoken where to_tsvector(spoken.config, token) = '')
), asked as materialized (
    select config, cast(string_agg(term, ' | ') as tsquery) as query, string_agg(term, ' & ') as whole
    from terms group by config
), with_one as materialized (  -- of a word that many have, some
    select token, id from terms cross join lateral find_passages_with(config, cast(term as tsquery), :some) id
), with_all as materialized (
    select id from asked cross join lateral find_passages_with(config, cast(whole as tsquery), :some) id
), rare as materialized (  -- a word says the more the fewer passages have it
    select token, ln(1 + (:total - count(with_one.id) + 0.5) / (count(with_one.id) + 0.5)) as weight
    from (select distinct token from terms) as all_tokens left join with_one using (token) group by token
), worded as materialized (
    select id, config, is_faq, coverage,
        row_number() over (order by coverage desc, closeness desc, id) as rank
    from (
        select chunk.id, chunk.config, chunk.faq_id is not null as is_faq,
            ts_rank_cd(chunk.words, asked.query, 1) as closeness, (
                select sum(rare.weight) from terms join rare using (token)
                where terms.config = chunk.config and chunk.words @@ cast(terms.term as tsquery)
            ) / (select sum(weight) from rare) as coverage
        from (select id from with_one union select id from with_all) as pool
        cross join lateral (  -- one by one: there are few, and the planner thinks of thousands
            select * from knowledge_chunks where workspace_id = :workspace_id and id = pool.id offset 0
        ) as chunk
        join asked on asked.config = chunk.config
        order by coverage desc, closeness desc, id limit :candidates
    ) as best
), fused as materialized (
    select coalesce(near.id, worded.id) as id, near.likeness, cast((
            coalesce(1.0 / (60 + near.rank), 0)
            + coalesce(power(least(worded.coverage, 1), :trust) / (60 + worded.rank), 0)
        ) * (case when coalesce(near.is_faq, worded.is_faq) then 1.1 else 1 end)
        * (case when coalesce(near.config, worded.config) = (select config from spoken) then :kin else 1 end)
        as float8) as score
    from near full outer join worded on worded.id = near.id
    order by score desc, 1 limit :limit
)
select chunk.id, chunk.document_id, chunk.faq_id, chunk.text, chunk.heading, chunk.page, chunk.language,
    document.title, document.url, document.filename, fused.likeness, fused.score
from fused join knowledge_chunks chunk on chunk.workspace_id = :workspace_id and chunk.id = fused.id
left join knowledge_documents document
    on document.workspace_id = chunk.workspace_id and document.id = chunk.document_id
order by fused.score desc, chunk.id
""")


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
    total = await session.scalar(_COUNT, {"workspace_id": workspace_id, "most": COUNTED}) or 0
    await session.execute(_ITERATE, {"ef_search": EF_SEARCH})
    rows = await session.execute(
        _SEARCH,
        {
            "workspace_id": workspace_id,
            "vector": None if vector is None else vector_text(vector),
            "model": model,
            "words": query,
            "configs": sorted({config_of(None), *(config_of(language) for language in LANGUAGES)}),
            "candidates": CANDIDATES,
            "some": SOME,
            "total": total,
            "trust": TRUST,
            "kin": KIN,
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
