"""Search: how long it takes, and how much of what an exact search finds it finds, in ten workspaces."""

import asyncio
import random
import time
from typing import Any
from uuid import UUID

from sqlalchemy import text

from bench.figures import median, millis, percent, percentile, size
from bench.ground import Connection
from bench.options import Options
from bench.progress import step
from bench.reports import Report, Table
from bench.rivals.procrastinates import Ours
from bench.scenarios.lineup import Lineup
from socialsync.db.engine import create_engine
from socialsync.db.transaction import Database
from socialsync.db.urls import Urls, as_app
from socialsync.features.knowledge import retrieval, service

MEANING = (
    "`retrieval.search`, by meaning and by words, in ten workspaces of one size: vectors of 1,536 dimensions"
    " around a hundred centres each, sixty words a chunk out of 20,000, common ones in a third of the chunks."
    " A question is a chunk's vector turned by a third of its length, and six of its words. Recall is that of"
    " the vectors alone, beside the same ten by exact search."
)
GOALS = "Goals: p95 under 30 ms and recall@10 of at least 0.95 at 10,000 and at 200,000 chunks."
WORKSPACES = 10
TOP = 10
_MODEL = "bench"
_FURNISH = """
truncate workspaces cascade;
insert into workspaces (name) select 'search ' || n from generate_series(1, {workspaces}) n;
insert into knowledge_documents (workspace_id, title, source, chunk_count)
select id, 'document', 'text', {each} from workspaces;
drop index ix_knowledge_chunks_embedding
"""
_CENTRES = """
create temp table centres as
select workspace.id as workspace_id, n, (
    select l2_normalize(array_agg(random_normal())::halfvec(1536)) from generate_series(1, 1536)
    where n is not null and workspace.id is not null) as centre
from workspaces workspace cross join generate_series(0, 99) n
"""
_FILL = """
insert into knowledge_chunks (workspace_id, document_id, n, text, language, config, digest, model, embedding)
select document.workspace_id, document.id, place.n, (
        select string_agg('w' || (random() ^ 2 * 20000)::int, ' ') from generate_series(1, 60)
        where place.n is not null),
    'en', 'english', '\\x00', %(model)s, l2_normalize(centre + (
        select array_agg(random_normal() * 0.02)::halfvec(1536) from generate_series(1, 1536)
        where place.n is not null))
from knowledge_documents document cross join generate_series(%(from)s::int, %(to)s::int) as place (n)
join centres on centres.workspace_id = document.workspace_id and centres.n = mod(place.n, 100)
"""
_INDEX = """
create index ix_knowledge_chunks_embedding on knowledge_chunks using hnsw (embedding halfvec_ip_ops)
where nearby
"""
_QUESTIONS = """
select workspace_id, l2_normalize(embedding + (
    select array_agg(random_normal() * 0.0085)::halfvec(1536) from generate_series(1, 1536)
    where chunk.id is not null))::text as vector, text
from (select * from knowledge_chunks where n = any (%(places)s)) as chunk
"""
_EXACT = text("""
select id from (
    select id, (embedding <#> cast(:vector as halfvec(1536))) + 0 as distance from knowledge_chunks
    where workspace_id = :workspace_id and model = :model order by 2 limit 10) as nearest
""")
_SIZES = """
select pg_table_size('knowledge_chunks'), pg_relation_size('ix_knowledge_chunks_embedding'),
    pg_relation_size('ix_knowledge_chunks_signs'), pg_relation_size('ix_knowledge_chunks_keys')
"""
Question = tuple[UUID, list[float], str]


def measure(lineup: Lineup, options: Options) -> Report:
    rival = lineup.get(Ours)
    table = Table(
        ["chunks", "p50", "p95", "p99", "recall@10", "index built in", "table", "HNSW", "signs", "words"]
    )
    data: dict[str, Any] = {}
    sizes = [options.jobs(10_000)] + ([options.jobs(200_000)] if options.full else [])
    for chunks in sizes:
        if not options.wants(f"{chunks:,} chunks"):
            continue
        built = _fill(rival.connection, chunks)
        questions = _questions(rival.connection, options.jobs(300), chunks // WORKSPACES)
        with step(f"search: {len(questions):,} questions of {chunks:,} chunks"):
            took, recall = asyncio.run(_ask(rival, questions))
        row = rival.connection.execute(_SIZES).fetchone()
        octets = list(row) if row else [0, 0, 0, 0]
        figures = [millis(percentile(took, share)) for share in (0.5, 0.95, 0.99)]
        table.rows.append(
            [f"{chunks:,}", *figures, percent(recall), f"{built:.1f} s", *(size(each) for each in octets)]
        )
        data[str(chunks)] = {
            "p50_s": median(took),
            "p95_s": percentile(took, 0.95),
            "p99_s": percentile(took, 0.99),
            "recall_at_10": recall,
            "index_s": built,
            "table_hnsw_signs_words_bytes": octets,
        }
    return Report("search", MEANING, [table], [GOALS], data)


def _fill(connection: Connection, chunks: int) -> float:
    """Seconds that the index of vectors took."""
    each = chunks // WORKSPACES
    for statement in _FURNISH.format(workspaces=WORKSPACES, each=each).split(";"):
        connection.execute(statement.encode())
    connection.execute("drop table if exists centres")
    connection.execute(_CENTRES.encode())
    with step(f"search: {chunks:,} chunks"):
        for start in range(0, each, 1_000):
            values = {"model": _MODEL, "from": start, "to": min(start + 1_000, each) - 1}
            connection.execute(_FILL.encode(), values)
    if each > service.EXACT_UP_TO:
        connection.execute("update knowledge_chunks set nearby = true")
    with step("search: the index of vectors"):
        connection.execute("set maintenance_work_mem = '1GB'")
        began = time.perf_counter()
        connection.execute(_INDEX.encode())
        took = time.perf_counter() - began
    connection.execute("vacuum analyze knowledge_chunks")
    connection.execute("checkpoint")
    return took


def _questions(connection: Connection, count: int, each: int) -> list[Question]:
    """As many of each workspace, in any order."""
    chosen = random.Random(7)  # noqa: S311 - the same questions in every run
    places = chosen.sample(range(each), min(each, max(1, count // WORKSPACES)))
    rows = connection.execute(_QUESTIONS.encode(), {"places": places}).fetchall()
    chosen.shuffle(rows)
    return [
        (workspace_id, [float(n) for n in vector.strip("[]").split(",")], " ".join(words.split()[:6]))
        for workspace_id, vector, words in rows
    ]


async def _ask(rival: Ours, questions: list[Question]) -> tuple[list[float], float]:
    url = as_app(rival.ground.url(rival.database))
    engine = create_engine(Urls(app=url, direct=url, owner=url))
    database = Database(engine)
    took: list[float] = []
    found = 0
    for warm in (True, False):
        for workspace_id, vector, words in questions[: 30 if warm else None]:
            began = time.perf_counter()
            async with database.transaction(workspace_id) as session:
                await retrieval.search(session, workspace_id, words, vector=vector, model=_MODEL, limit=TOP)
            if not warm:
                took.append(time.perf_counter() - began)
    for workspace_id, vector, _ in questions:
        values = {"vector": str(vector), "workspace_id": workspace_id, "model": _MODEL}
        async with database.transaction(workspace_id) as session:
            exact = set(await session.scalars(_EXACT, values))
            hits = await retrieval.search(session, workspace_id, "", vector=vector, model=_MODEL, limit=TOP)
            found += len(exact & {hit.chunk_id for hit in hits})
    await engine.dispose()
    return took, found / (TOP * len(questions))
