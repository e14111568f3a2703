"""Finding passages: by meaning and by words, the two lists fused by rank.

Reciprocal rank fusion: Cormack, Clarke, Buettcher, SIGIR 2009, with their k = 60; ranks of different measures
can be added, scores cannot. Words are those of each passage's own language, without the little words of the
question's, and weigh the more the rarer they are (the idf of BM25). How much a rank by words counts depends
on how much of the question's weight the passage has: a question in other words than the passage's is left to
the vectors. Of equals, the passage in the question's language comes first. A word that no passage has counts
against all words, not against a passage: what is best by them stands among the first, however many are near.

Vectors are compared in two steps: first all of a workspace's by their signs alone (binary quantization,
pgvector), which lie in an index that holds nothing else, then the nearest of them in full. That is exact
while there are few and finds what an exact search finds when there are tens of thousands, in a
time that depends on this workspace alone. Of a larger one most are ``nearby``, in the HNSW index, which
iterates until enough of this workspace is found (pgvector, "Iterative index scans").
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.db.binary import Binary
from socialsync.features.knowledge.configs import CONFIGS, LANGUAGES, SIMPLE, config_of
from socialsync.features.knowledge.queries import vector_bytes

CANDIDATES = 50
"""Of each list."""
SHORTLIST = 200
"""Vectors, nearest by their signs, that are compared in full."""
SOME = 100
"""Passages that are found by each word. All of them for a rare one, and any for a common one: whatever
else of the question these have is found by the rarer words."""
POOL = 150
"""Passages whose every word is looked at, of all that were found by one."""
FEW = 5
"""Passages that have a word which few have. Each is looked at, however many have more of the other words."""
PLACES = 4
"""Behind these stands neither the best by words, nor the best of what has the rarest word of the question."""
EF_SEARCH = 100
TRUST = 2.0
"""Power of the share of a question's words that a passage has; chosen on the half of bench/evaluation that
may be looked at, as is the next."""
KIN = 1.1
"""What it is worth that a passage is in the question's language."""
MOST = 50
_CONFIGS = "{" + ",".join(sorted({SIMPLE, *CONFIGS.values()})) + "}"
_SPOKEN = "{" + ",".join(sorted({SIMPLE, *map(config_of, LANGUAGES)})) + "}"

_ITERATE = text(
    "select set_config('hnsw.iterative_scan', 'strict_order', true),"
    " set_config('hnsw.ef_search', cast(:ef_search as text), true),"
    " set_config('hnsw.max_scan_tuples', '20000', true),"
    " set_config('plan_cache_mode', 'force_generic_plan', true),"  # what it costs depends on no parameter
    " set_config('jit', 'off', true)"  # compiling the statement takes longer than running it
)
_SEARCH = text(f"""
with given as materialized (
    select cast(:vector as halfvec(1536)) as vector,
        cast(binary_quantize(cast(:vector as halfvec(1536))) as bit(1536)) as signs
), near as materialized (
    select id, config, is_faq, row_number() over (order by distance, id) as rank, -distance as likeness from (
        (
            select id, config, faq_id is not null as is_faq,
                embedding <#> (select vector from given) as distance
            from knowledge_chunks
            where workspace_id = :workspace_id and nearby and model = :model
                and (select vector is not null and exists (
                    select from knowledge_chunks where workspace_id = :workspace_id and nearby) from given)
            order by embedding <#> (select vector from given) limit {CANDIDATES}
        ) union all (
            select chunk.* from (
                select id from knowledge_chunks
                where workspace_id = :workspace_id and not nearby and model = :model
                    and (select vector is not null from given)
                order by signs <~> (select signs from given) limit {SHORTLIST}
            ) as shortlist cross join lateral (
                select id, config, faq_id is not null as is_faq,
                    embedding <#> (select vector from given) as distance
                from knowledge_chunks where workspace_id = :workspace_id and id = shortlist.id offset 0
            ) as chunk
            order by 4 limit {CANDIDATES}
        ) order by distance limit {CANDIDATES}
    ) as nearest
), configs as materialized (
    select cast(config as regconfig) as config, config = any (cast('{_SPOKEN}' as text[])) as is_spoken,
        exists (
            select from knowledge_chunks
            where workspace_id = :workspace_id and config = cast(asked.config as regconfig)) as is_written
    from unnest(cast('{_CONFIGS}' as text[])) as asked (config)
), size as materialized (
    select (select coalesce(sum(chunk_count), 0) from knowledge_documents where workspace_id = :workspace_id)
        + (select count(*) from faqs where workspace_id = :workspace_id) as total
), tokens as materialized (
    select lexeme as token from unnest(to_tsvector('simple', :words)) limit 50
), spoken as materialized (  -- the language whose little words are in the question
    select config from (
        select config, count(*) filter (
            where to_tsvector(config, token) = ''
                or config = cast('arabic' as regconfig) and token ~ '[\u0600-\u06ff]') as little
        from configs cross join tokens where is_spoken or is_written group by 1
    ) as guessed where little > 0 order by little desc, cast(config as text) limit 1
), terms as materialized (
    select token, config, stem.lexeme, cast(quote_literal(stem.lexeme) as tsquery) as term
    from tokens cross join configs cross join unnest(to_tsvector(config, token)) as stem
    where is_written and not exists (select from spoken where to_tsvector(spoken.config, token) = '')
), asked as materialized (
    select config, cast(string_agg(cast(term as text), ' | ') as tsquery) as query,
        array_to_tsvector(array_agg(lexeme)) as whole
    from terms group by config
), found as materialized (  -- of a word that many have, some; without a token: with all words
    select token, id from (
        select array_agg(token) as tokens, array_agg(config) as configs, array_agg(lexemes) as lexemes from (
            select token, config, array_to_tsvector(array[lexeme]) as lexemes from terms
            union all select null, config, whole from asked
        ) as one_by_one
    ) as given_together cross join lateral find_passages_with(configs, lexemes, {SOME}) as passage
    cross join lateral (select tokens[passage.n] as token) as of_token
), rare as materialized (  -- a word says the more the fewer passages have it
    select token, known, ln(1 + (greatest(total - known, 0) + 0.5) / (known + 0.5)) as weight
    from size cross join (
        select token, count(found.id) as known
        from (select distinct token from terms) as all_tokens left join found using (token) group by token
    ) as counted
), weighed as materialized (
    select config, term, weight from terms join rare using (token)
), pool as materialized (  -- what has all words or one that few have, and the best by what is known so far
    select id from found left join rare using (token) group by id
    order by bool_or(coalesce(known <= {FEW}, true)) desc, sum(coalesce(weight, 'infinity')) desc, id
    limit {POOL}
), looked_at as materialized (
    select chunk.*, had.weight / (select sum(weight) from rare) as coverage, had.rarest
    from pool cross join lateral (  -- one by one: there are few, and the planner thinks of thousands
        select id, config, faq_id is not null as is_faq, words
        from knowledge_chunks where workspace_id = :workspace_id and id = pool.id offset 0
    ) as chunk cross join lateral (
        select sum(weight) as weight, max(weight) as rarest from weighed
        where config = chunk.config and chunk.words @@ term
    ) as had
), ranked as materialized (
    select *, row_number() over (order by coverage desc, closeness desc, id) as rank,
        row_number() over (order by rarest desc, coverage desc, closeness desc, id) as rank_by_rarest
    from (
        select id, config, is_faq, coverage, rarest,
            ts_rank_cd(words, (select query from asked where asked.config = looked_at.config), 1) as closeness
        from looked_at where coverage >= coalesce((  -- closeness, which costs most, decides among equals only
                select coverage from looked_at order by 1 desc offset {CANDIDATES} - 1 limit 1), 0)
            or id = (select id from looked_at order by rarest desc, coverage desc, id limit 1)
    ) as best
), worded as materialized (
    select *, rank = 1 or rank_by_rarest = 1 as is_kept from ranked
    where rank <= {CANDIDATES} or rank_by_rarest = 1
), scored as materialized (
    select coalesce(near.id, worded.id) as id, coalesce(is_kept, false) as is_kept, near.likeness, cast((
            coalesce(1.0 / (60 + near.rank), 0)
            + coalesce(power(least(worded.coverage, 1), cast({TRUST} as float8)) / (60 + worded.rank), 0)
        ) * (case when coalesce(near.is_faq, worded.is_faq) then 1.1 else 1 end)
        * (case when coalesce(near.config, worded.config) = (select config from spoken)
            then cast({KIN} as float8) else 1 end)
        as float8) as score
    from near full outer join worded on worded.id = near.id
), fused as materialized (  -- what is kept comes to its place, however many others mean the like
    select id, likeness, is_kept, case when is_kept then greatest(score, (
            select score from scored order by 1 desc
            offset {PLACES} - (select count(*) from scored where is_kept) limit 1
        )) else score end as score
    from scored order by score desc, is_kept desc, id limit :limit
)
select chunk.id, chunk.document_id, chunk.faq_id, chunk.text, chunk.heading, chunk.page, chunk.language,
    document.title, document.url, document.filename, fused.likeness, fused.score
from fused join knowledge_chunks chunk on chunk.workspace_id = :workspace_id and chunk.id = fused.id
left join knowledge_documents document
    on document.workspace_id = chunk.workspace_id and document.id = chunk.document_id
order by fused.score desc, fused.is_kept desc, chunk.id
""")  # noqa: S608 - constants of ours


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
    await session.execute(_ITERATE, {"ef_search": EF_SEARCH})
    rows = await session.execute(
        _SEARCH,
        {
            "workspace_id": workspace_id,
            "vector": None if vector is None else Binary(vector_bytes(vector)),
            "model": model,
            "words": query,
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
