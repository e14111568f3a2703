"""Ingest: how fast a document is learnt, and whether jobs of higher priority wait for it meanwhile."""

import asyncio
import hashlib
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import openai

from bench.figures import median, millis, number, percentile, times
from bench.ground import REPOSITORY, Connection
from bench.options import Options
from bench.processes import Died, Process
from bench.progress import step
from bench.reports import Report, Table
from bench.rivals.procrastinates import Ours
from bench.scenarios.lineup import Lineup
from socialsync import registry
from socialsync.db.engine import create_engine
from socialsync.db.transaction import Database
from socialsync.db.urls import Urls, as_app
from socialsync.features.knowledge import service

MEANING = (
    "A document of a thousand pages of two thousand characters is stored as an upload stores it; one stock"
    " worker on the queue `ingest` reads, cuts, embeds and indexes it, with an embedding server that takes"
    " 50 ms a call. Beside it a plain loop over the same chunks: embed one, insert it, commit. Meanwhile a"
    " job of higher priority is deferred into the same queue every 100 ms; told is how soon it starts."
)
GOALS = "Goals: at least ten times the plain loop; jobs of higher priority start as they do beside nothing."
_PLAIN = 100
"""Chunks of the plain loop: the rest would take the same."""
_SENTENCE = "On page {page} rule {n} says what is to be done, by whom, when, and what it costs in all."
_FURNISH = """
truncate workspaces cascade; truncate procrastinate_jobs, procrastinate_events restart identity cascade;
insert into workspaces (id, name) values ('00000000-0000-7000-8000-000000000001', 'bench')
"""
_WORKSPACE = UUID("00000000-0000-7000-8000-000000000001")
_STATE = "select status, error, chunk_count from knowledge_documents"
_PROBE = """
insert into procrastinate_jobs (queue_name, task_name, args, priority)
values ('ingest', 'operations.health_check', '{}', 5)
returning id, extract(epoch from clock_timestamp())::float
"""
_STARTED = """
select id, extract(epoch from x_started_at)::float from procrastinate_jobs
where task_name = 'operations.health_check' and x_started_at is not null
"""
_INSERT = """
insert into knowledge_chunks (workspace_id, document_id, n, text, digest, model, embedding)
select workspace_id, document_id, n, %s, digest, model, %s::halfvec from knowledge_chunks where n = %s limit 1
"""


Probes = dict[int, float]


def measure(lineup: Lineup, options: Options) -> Report:
    rival = lineup.get(Ours)
    registry.load()
    pages = options.jobs(1_000)
    ports = free_port()
    url = f"http://127.0.0.1:{ports}/v1"
    bin_ = Path(sys.executable).parent
    server = [str(bin_ / "uvicorn"), "bench.apps.embeddings_app:app", "--port", str(ports)]
    environment = {
        "DATABASE_URL": as_app(rival.ground.url(rival.database)),
        "SOCIALSYNC_HOME": str(rival.ground.folder),
        "OPENAI_BASE_URL": url,
        "OPENAI_API_KEY": "bench",
        "PROCRASTINATE_APP": "socialsync.worker.app",
        "PYTHONPATH": f"{REPOSITORY / 'src'}:{REPOSITORY}",
    }
    took: list[float] = []
    plain: list[float] = []
    beside: list[float] = []
    alone: list[float] = []
    chunks = 0
    with (
        Process([*server, "--log-level", "warning"], environment, rival.ground.folder, "embeddings"),
        Process(
            [str(bin_ / "procrastinate"), "worker", "-q", "ingest"],
            environment,
            rival.ground.folder,
            "reader",
        ) as worker,
    ):
        for number_ in range(options.rounds):
            ready(rival.connection, worker)
            _furnish(rival.connection)
            alone += _idle(rival.connection, worker)
            with step(f"ingest: {pages:,} pages"):
                seconds, chunks, late = _learn(rival, pages, worker, number_)
            took.append(seconds)
            beside += late
            with step(f"ingest: {_PLAIN} chunks, one by one"):
                plain.append(_one_by_one(rival.connection, url))
    ours, loop = chunks / median(took), _PLAIN / median(plain)
    speed = Table(["one document", "took", "chunks a second", "ratio"])
    speed.rows = [
        [
            f"ours, {pages:,} pages, {chunks:,} chunks",
            f"{median(took):.1f} s",
            number(ours),
            times(ours / loop),
        ],
        [f"plain loop, {_PLAIN} chunks", f"{median(plain):.1f} s", number(loop), ""],
    ]
    waits = Table(["jobs of priority 5, same queue", "p50", "p99", "longest", "jobs"])
    waits.rows = [
        [name, millis(median(late)), millis(percentile(late, 0.99)), millis(max(late)), f"{len(late):,}"]
        for name, late in (("beside nothing", alone), ("beside the document", beside))
    ]
    data = {"seconds": took, "chunks": chunks, "plain_s": plain, "alone_s": alone, "beside_s": beside}
    return Report("ingest", MEANING, [speed, waits], [GOALS], data)


def _furnish(connection: Connection) -> None:
    for statement in _FURNISH.split(";"):
        connection.execute(statement.encode())


def ready(connection: Connection, worker: Process) -> None:
    """Wait for the worker."""
    while not connection.execute("select from worker_info where state = 'running'").rowcount:
        worker.check()
        time.sleep(0.1)


def _idle(connection: Connection, worker: Process) -> list[float]:
    probes: Probes = {}
    for _ in range(30):
        _probe(connection, probes)
        worker.check()
        time.sleep(0.1)
    return _late(connection, probes)


def _learn(rival: Ours, pages: int, worker: Process, edition: int) -> tuple[float, int, list[float]]:
    content = "\n\n".join(_page(page, edition) for page in range(pages)).encode()
    probes: Probes = {}
    began = time.perf_counter()
    asyncio.run(_store(rival, content))
    while True:
        _probe(rival.connection, probes)
        row = rival.connection.execute(_STATE).fetchone()
        if row and row[0] in {"indexed", "failed"}:
            break
        worker.check()
        time.sleep(0.1)
    took = time.perf_counter() - began
    if row[0] == "failed":
        raise Died(f"The document failed: {row[1]}")
    return took, row[2], _late(rival.connection, probes)


def _probe(connection: Connection, probes: Probes) -> None:
    if row := connection.execute(_PROBE).fetchone():
        probes[row[0]] = row[1]


def _late(connection: Connection, probes: Probes) -> list[float]:
    """How long after it was deferred each started."""
    time.sleep(1.0)
    started = dict(connection.execute(_STARTED.encode()).fetchall())
    if missing := probes.keys() - started.keys():
        raise Died(f"{len(missing)} of {len(probes)} jobs of higher priority have not started")
    return [started[id_] - at for id_, at in probes.items()]


def _page(page: int, number_: int) -> str:
    lines = " ".join(_SENTENCE.format(page=page, n=n) for n in range(23))
    return f"## Page {page} of edition {number_}\n{lines}"


async def _store(rival: Ours, content: bytes) -> None:
    url = as_app(rival.ground.url(rival.database))
    engine = create_engine(Urls(app=url, direct=url, owner=url))
    values = {
        "title": "rules", "source": "file", "filename": "rules.md", "size_bytes": len(content),
        "digest": hashlib.sha256(content).digest(),
    }  # fmt: skip
    async with Database(engine).transaction(_WORKSPACE) as session:
        document, _ = await service.add_document(session, _WORKSPACE, values)
        for n in range((len(content) + 2**20 - 1) // 2**20):
            await service.add_part(session, document, n, content[n * 2**20 : (n + 1) * 2**20])
    await engine.dispose()


def _one_by_one(connection: Connection, url: str) -> float:
    """What one writes first: embed a chunk, insert it, commit; for each."""
    rows: Sequence[Any] = connection.execute(
        "select n, text from knowledge_chunks order by n limit %s", [_PLAIN]
    ).fetchall()
    client = openai.OpenAI(base_url=url, api_key="bench")
    began = time.perf_counter()
    for n, text in rows:
        answer = client.embeddings.create(model="text-embedding-3-small", input=[text])
        connection.execute(_INSERT, [text, str(answer.data[0].embedding), n])
    took = time.perf_counter() - began
    client.close()
    return took * _PLAIN / len(rows)


def free_port() -> int:
    """For a server of ours."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
