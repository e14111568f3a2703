"""Servers that speak OpenAI's API, but say less than it, or something else."""

from typing import Any

import pytest

from socialsync.ai import Ai, Message, Models, Spender, open_ai
from socialsync.ai.errors import AnswerUnusable
from tests.platforms.conftest import world
from tests.platforms.world import World

__all__ = ["world"]

ASKED = [Message("user", "Hello?")]


@pytest.fixture
async def asking(database, world: World):
    models = Models(f"{world.url}/v1", "a key", "chat", "embedding")
    async with open_ai(database, models) as ai:
        yield ai


def chat(**more: Any) -> dict[str, Any]:
    return {"choices": [{"message": {"role": "assistant", "content": "Hello!"}}], **more}


@pytest.mark.parametrize(
    ("said", "cost"),
    [
        ({}, (0, 0)),
        ({"usage": None, "model": None}, (0, 0)),
        ({"usage": {"total_tokens": 7}}, (0, 0)),
        ({"usage": {"prompt_tokens": 5}}, (5, 0)),
        ({"usage": {"prompt_tokens": 5, "completion_tokens": None}}, (5, 0)),
        ({"usage": {"prompt_tokens": 5, "completion_tokens": 2}, "news": {"of": ["tomorrow"]}}, (5, 2)),
    ],
)
async def test_an_answer_without_its_usage_is_an_answer(asking: Ai, world, library, said, cost):
    world.answers(chat(**said))
    assert await asking.write(Spender(library.workspace_id, "tests"), ASKED) == "Hello!"
    (call,) = await library.rows("select * from ai_calls")
    assert (call["status"], call["input_tokens"], call["output_tokens"]) == ("done", *cost)


@pytest.mark.parametrize("usage", [{}, {"usage": {"total_tokens": 3}}])
async def test_vectors_without_their_usage_are_vectors(asking: Ai, world: World, workspace, usage):
    world.answers({"data": [{"index": 1, "embedding": [0, 2.0]}, {"index": 0, "embedding": [1.0]}], **usage})
    one, two = await asking.embed(Spender(workspace.id, "tests"), ["one", "two"])
    assert (one[:2], two[:2], len(one)) == ([1.0, 0.0], [0.0, 1.0], 1_536)


@pytest.mark.parametrize(
    "said",
    [
        {}, [], "Hello!", None, {"choices": None}, {"choices": []}, {"choices": [{}]},
        {"choices": ["Hello!"]}, {"choices": [{"message": None}]},
        {"choices": [{"message": {"content": None}}]},
        {"choices": [{"message": {"content": "Hello!"}}], "usage": "little"},
    ],
)  # fmt: skip
async def test_what_is_no_answer_is_refused_and_kept_as_failed(asking: Ai, world, library, said):
    world.answers(said)
    with pytest.raises(AnswerUnusable):
        await asking.write(Spender(library.workspace_id, "tests"), ASKED)
    (call,) = await library.rows("select * from ai_calls")
    assert call["status"] == "failed"


@pytest.mark.parametrize(
    "said", [{}, {"data": None}, {"data": [{"embedding": [1.0]}]}, {"data": [{"index": 0, "embedding": "?"}]}]
)
async def test_what_are_no_vectors_is_refused(asking: Ai, world: World, workspace, said):
    world.answers(said)
    with pytest.raises(AnswerUnusable):
        await asking.embed(Spender(workspace.id, "tests"), ["one"])
