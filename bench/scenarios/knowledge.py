"""Knowledge: how well passages are found, with the simulator's embeddings or with real ones."""

import asyncio
import hashlib
import os
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from unittest import mock
from uuid import UUID

from bench import evaluation
from bench.evaluation import Question, Scores
from bench.figures import percent
from bench.ground import REPOSITORY
from bench.options import Options
from bench.processes import Died, Process
from bench.progress import step
from bench.reports import Report, Table
from bench.rivals.procrastinates import Ours
from bench.scenarios.ingest import free_port, ready
from bench.scenarios.lineup import Lineup
from socialsync import registry, settings
from socialsync.ai import Message, Spender
from socialsync.db.urls import Urls, as_app
from socialsync.features.knowledge import grounding, reranking, retrieval, service
from socialsync.features.knowledge.retrieval import Hit
from socialsync.resources import Resources, open_resources

MEANING = (
    "The evaluation set of `bench/evaluation`: five documents in five languages in one workspace, and"
    " questions with the passage that answers each. Recall@5 is the share of questions whose passage is among"
    " the first five; MRR the mean of one by its rank."
    " Reranked: the chat model orders the best 20. With `OPENAI_API_KEY` or `OPENAI_BASE_URL` set the"
    " embeddings are that endpoint's, else the simulator's."
)
GOALS = "Goal: on the held-out half, both together at least equal the better of the two."
_WORKSPACE = UUID("00000000-0000-7000-8000-000000000001")
_FURNISH = (
    "truncate workspaces cascade",
    f"insert into workspaces (id, name) values ('{_WORKSPACE}', 'bench')",  # noqa: S608 - ours
)
_OPEN = "select count(*) from knowledge_documents where status not in ('indexed', 'failed')"
_FAILED = "select title, error from knowledge_documents where status = 'failed'"
_WITHIN_S = 300.0
_AT_ONCE = 60
_WAYS = ("vectors", "words", "both", "both, reranked")


def measure(lineup: Lineup, _options: Options) -> Report:
    rival = lineup.get(Ours)
    registry.load()
    bin_, port = Path(sys.executable).parent, free_port()
    real = "OPENAI_API_KEY" in os.environ or "OPENAI_BASE_URL" in os.environ
    base = os.environ.get(
        "OPENAI_BASE_URL", "https://api.openai.com/v1" if real else f"http://127.0.0.1:{port}/v1"
    )
    environment = {
        "DATABASE_URL": as_app(rival.ground.url(rival.database)),
        "SOCIALSYNC_HOME": str(rival.ground.folder),
        "OPENAI_BASE_URL": base,
        "PROCRASTINATE_APP": "socialsync.worker.app",
        "PYTHONPATH": f"{REPOSITORY / 'src'}:{REPOSITORY}",
    }
    folder = rival.ground.folder
    for statement in _FURNISH:
        rival.connection.execute(statement.encode())
    simulator = [str(bin_ / "socialsync"), "simulator", "--port", str(port)]
    reader = [str(bin_ / "procrastinate"), "worker", "-q", "ingest"]
    with (
        Process(simulator, environment, folder, "simulator"),
        Process(reader, environment, folder, "reader") as worker,
        mock.patch.dict(os.environ, environment),
    ):
        ready(rival.connection, worker)
        with step("knowledge: five documents"):
            asyncio.run(_learn())
            deadline = time.monotonic() + _WITHIN_S
            while rival.connection.execute(_OPEN).fetchone() != (0,):
                worker.check()
                if time.monotonic() > deadline:
                    raise Died("The documents are not learnt in time")
                time.sleep(0.2)
        if failed := rival.connection.execute(_FAILED).fetchall():
            raise Died(f"Documents failed: {failed}")
        with step("knowledge: the questions"):
            halves = asyncio.run(_asked())
    table = Table(["questions", "", "recall@5", "MRR"])
    for half, found in halves.items():
        for way, scores in found.items():
            table.rows.append(
                [f"{half}, {scores.questions}", way, percent(scores.recall_at_5), f"{scores.mrr:.3f}"]
            )
    data = {
        half: {way: [scores.recall_at_5, scores.mrr] for way, scores in found.items()}
        for half, found in halves.items()
    }
    whose = base if real else "the simulator's"
    return Report("knowledge", MEANING, [table], [GOALS, f"Embeddings: {whose}."], data)


def _opened() -> AbstractAsyncContextManager[Resources]:
    url = os.environ["DATABASE_URL"]
    return open_resources(settings.load(), found=Urls(app=url, direct=url, owner=url))


async def _learn() -> None:
    async with _opened() as opened, opened.database.transaction(_WORKSPACE) as session:
        for language in evaluation.LANGUAGES:
            content = evaluation.document(language).encode()
            values = {
                "title": language, "source": "file", "filename": f"{language}.md",
                "size_bytes": len(content), "digest": hashlib.sha256(content).digest(),
            }  # fmt: skip
            document, _ = await service.add_document(session, _WORKSPACE, values)
            await service.add_part(session, document, 0, content)


async def _asked() -> dict[str, dict[str, Scores]]:
    async with _opened() as opened:
        questions = evaluation.questions()
        ranks: dict[str, list[int | None]] = {way: [] for way in _WAYS}
        for start in range(0, len(questions), _AT_ONCE):
            some = questions[start : start + _AT_ONCE]
            for way, found in (await _ranks(opened, some)).items():
                ranks[way] += found
    kinds = {
        "held out": [each.gold.held_out for each in questions],
        "open": [not each.gold.held_out for each in questions],
        "paraphrases, held out": [each.gold.held_out and each.paraphrase for each in questions],
    }
    return {
        kind: {
            way: evaluation.scores([rank for rank, is_so in zip(found, chosen, strict=True) if is_so])
            for way, found in ranks.items()
        }
        for kind, chosen in kinds.items()
    }


async def _ranks(opened: Resources, questions: Sequence[Question]) -> dict[str, list[int | None]]:
    vectors = await opened.ai.embed(Spender(_WORKSPACE, "search"), [each.text for each in questions])
    ranks: dict[str, list[int | None]] = {way: [] for way in _WAYS}
    for question, vector in zip(questions, vectors, strict=True):
        given = {"vectors": (vector, ""), "words": (None, question.text), "both": (vector, question.text)}
        async with opened.database.transaction(_WORKSPACE) as session:
            found = {
                way: await retrieval.search(
                    session, _WORKSPACE, words, vector=meaning, model=opened.ai.models.embedding, limit=50
                )
                for way, (meaning, words) in given.items()
            }
        found["both, reranked"] = await _reranked(opened, question, found["both"][: reranking.READ])
        gold = (question.gold.heading, question.gold.text)
        for way, hits in found.items():
            places = (n for n, hit in enumerate(hits, start=1) if (hit.heading, hit.text) == gold)
            ranks[way].append(next(places, None))
    return ranks


async def _reranked(opened: Resources, question: Question, hits: list[Hit]) -> list[Hit]:
    asked = [
        Message("system", reranking.RULES), Message("user", grounding.framed(question.text, hits)),
    ]  # fmt: skip
    answer = await opened.ai.decide(Spender(_WORKSPACE, "rerank"), asked, reranking.Ranked)
    return reranking.ordered(hits, answer.ranking)
