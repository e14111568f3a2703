"""Comments: what is decided of them, by the rules alone and with a model: the simulator's, or a real one."""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from unittest import mock
from uuid import UUID

from bench.figures import percent
from bench.ground import REPOSITORY
from bench.options import Options
from bench.processes import Process
from bench.progress import step
from bench.reports import Report, Table
from bench.rivals.procrastinates import Ours
from bench.scenarios.ingest import free_port
from bench.scenarios.lineup import Lineup
from socialsync import registry, settings
from socialsync.db.urls import Urls, as_app
from socialsync.features.decisions import guards
from socialsync.features.decisions.judging import AIDecisionService
from socialsync.resources import Resources, open_resources
from tests.comments import evaluation
from tests.comments.evaluation import LANGUAGES, Comment, Scores

MEANING = (
    "The evaluation set of `tests/comments/evaluation`: 288 comments in four languages under the posts of"
    " twelve businesses, labelled before any rule was written, half held out. Precision is the share of what"
    " was decided so that is labelled so; recall the share of what is labelled so that was decided so. Rules"
    " alone leave most comments undecided: these count for no class. With `OPENAI_API_KEY` or"
    " `OPENAI_BASE_URL` set, moderation and the model are that endpoint's, else the simulator's."
)
GOALS = "Goal: on the held-out half, recall of ESCALATE at least 95 % with the model."
UNDECIDED = "UNDECIDED"
_WORKSPACE = UUID("00000000-0000-7000-8000-000000000001")
_FURNISH = (
    "truncate workspaces cascade",
    f"insert into workspaces (id, name) values ('{_WORKSPACE}', 'bench')",  # noqa: S608 - ours
)
_AT_ONCE = 8

Found = Mapping[str, Mapping[str, Mapping[str, Scores]]]
"""By way, half or language of the held-out half, and label."""


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
        "PYTHONPATH": f"{REPOSITORY / 'src'}:{REPOSITORY}",
    }
    folder = rival.ground.folder
    for statement in _FURNISH:
        rival.connection.execute(statement.encode())
    simulator = [str(bin_ / "socialsync"), "simulator", "--port", str(port)]
    with (
        Process(simulator, environment, folder, "simulator") as world,
        mock.patch.dict(os.environ, environment),
    ):
        world.check()
        with step("comments: 288 decisions"):
            found = asyncio.run(_found())
    whose = base if real else "the simulator's"
    data = {
        way: {half: {label: [each.precision, each.recall] for label, each in by_label.items()}
              for half, by_label in halves.items()}
        for way, halves in found.items()
    }  # fmt: skip
    return Report("triage", MEANING, [table_of(found)], [GOALS, f"Model: {whose}."], data)


async def decide(opened: Resources, workspace_id: UUID, comment: Comment) -> str:
    """What the whole service decides, as it does for a comment under this post."""
    judge = AIDecisionService(opened, workspace_id)
    context = [("business", comment.post.business), ("post", comment.post.caption)]
    return (await judge.check_message(comment.text, "comment", context=context)).decision


async def decide_all(
    opened: Resources, workspace_id: UUID, comments: Sequence[Comment], *, at_once: int = _AT_ONCE
) -> dict[str, list[str]]:
    """By way: a decision for each comment, in their order."""
    room = asyncio.Semaphore(at_once)

    async def decided(comment: Comment) -> str:
        async with room:
            return await decide(opened, workspace_id, comment)

    rules = [guards.guarded(comment.text) for comment in comments]
    return {
        "rules alone": ["ESCALATE" if each else UNDECIDED for each in rules],
        "rules and model": await asyncio.gather(*map(decided, comments)),
    }


def judged(comments: Sequence[Comment], decisions: Mapping[str, Sequence[str]]) -> Found:
    parts = {
        "held out": [comment.held_out for comment in comments],
        "open": [not comment.held_out for comment in comments],
        **{
            f"held out, {language}": [
                comment.held_out and comment.language == language for comment in comments
            ]
            for language in LANGUAGES
        },
    }
    return {
        way: {
            part: evaluation.scores(
                [
                    (comment.label, decision)
                    for comment, decision, is_so in zip(comments, decided, chosen, strict=True)
                    if is_so
                ]
            )
            for part, chosen in parts.items()
        }
        for way, decided in decisions.items()
    }


def table_of(found: Found) -> Table:
    table = Table(["comments", "", "class", "precision", "recall"])
    for way, parts in found.items():
        for part, by_label in parts.items():
            for label, scores in by_label.items():
                table.rows.append(
                    [
                        f"{part}, {scores.comments}",
                        way,
                        label,
                        percent(scores.precision),
                        percent(scores.recall),
                    ]
                )
    return table


async def _found() -> Found:
    url = os.environ["DATABASE_URL"]
    comments = evaluation.comments()
    async with open_resources(settings.load(), found=Urls(app=url, direct=url, owner=url)) as opened:
        return judged(comments, await decide_all(opened, _WORKSPACE, comments))
