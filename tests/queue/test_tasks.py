"""Declaring tasks, and their arguments on arrival."""

from datetime import datetime
from uuid import UUID

import pytest

from socialsync.errors import Invalid, NotFound
from socialsync.queue.arguments import Arguments
from socialsync.queue.tasks import Declarations

POST = "01890a5d-ac96-774b-bcce-b302099a8057"


async def publish(job, *, post_id: UUID, at: datetime | None = None) -> None: ...


@pytest.fixture
def arguments():
    return Arguments("posts.publish", publish, skip=1)


def test_json_values_arrive_as_the_signature_says(arguments):
    assert arguments.check({"post_id": POST}) == {"post_id": UUID(POST)}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "post_id"),
        ({"post_id": "not an id"}, "post_id"),
        ({"post_id": POST, "oops": 1}, "oops"),
        ({"post_id": POST, "at": "yesterday"}, "at"),
    ],
)
def test_wrong_arguments_are_named(arguments, given, field):
    with pytest.raises(Invalid) as refused:
        arguments.check(given)
    assert refused.value.field == field
    assert "at, post_id" in str(refused.value.fix)


def test_the_value_of_a_wrong_argument_is_not_repeated(arguments):
    with pytest.raises(Invalid) as refused:
        arguments.check({"post_id": "a secret"})
    assert "a secret" not in str(refused.value)


def test_arguments_are_stored_as_json(arguments):
    assert arguments.as_json({"post_id": UUID(POST)}) == {"post_id": POST}


def test_a_plain_function_is_refused():
    def blocking() -> None: ...

    with pytest.raises(TypeError, match="async def"):
        Declarations().task(blocking)


def test_a_task_of_a_workspace_must_take_the_workspace():
    async def work(job, *, post_id: UUID) -> None: ...

    with pytest.raises(TypeError, match="workspace_id"):
        Declarations().task(name="posts.work", scope="workspace", pass_context=True)(work)


def test_a_users_own_task_gets_the_policy_base_and_the_scope_system():
    tasks = Declarations()

    @tasks.task(name="mine.add", queue="mine")
    async def add(a: int, b: int) -> int:
        return a + b

    _, details = tasks.find("mine.add")
    assert (details.policy.name, details.scope, add.queue) == ("base", "system", "mine")
    assert add.retry_strategy.policy is details.policy


async def test_a_users_own_task_can_be_called_like_the_function_it_is():
    tasks = Declarations()

    @tasks.task(queue="mine")
    async def add(a: int, b: int) -> int:
        return a + b

    assert await add(a=1, b=2) == 3


def test_an_unknown_name_lists_the_known_ones():
    tasks = Declarations()

    @tasks.task(name="mine.add")
    async def add() -> None: ...

    with pytest.raises(NotFound) as unknown:
        tasks.find("mine.subtract")
    assert "mine.add" in str(unknown.value.fix)
