"""What a task is here: procrastinate's, with a policy, a scope and checked arguments.

Rooms declare theirs with ``task``; ``worker`` binds them all to the App. Users' own come through
``@app.task`` and get the policy ``base`` and the scope ``system`` unless told otherwise.
"""

import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar

from procrastinate import exceptions
from procrastinate.blueprints import Blueprint
from procrastinate.job_context import JobContext
from procrastinate.tasks import Task
from typing_extensions import override

from socialsync import telemetry
from socialsync.errors import NotFound, SocialSyncError
from socialsync.queue.arguments import Arguments
from socialsync.queue.policies import POLICIES, Policy, PolicyRetry, Wait

log = telemetry.get_logger(__name__)

P = ParamSpec("P")
R = TypeVar("R")
Scope = Literal["workspace", "system"]
Lock = Callable[..., str]
KEEP_RESULT = timedelta(hours=1)


@dataclass(frozen=True)
class Details:
    """What procrastinate's ``Task`` has no place for."""

    policy: Policy
    scope: Scope
    arguments: Arguments
    lock: Lock | None = None
    keep_result: timedelta = KEEP_RESULT


class Declarations(Blueprint):
    """A blueprint whose tasks have details. ``App`` is one, and so is the house's own list below."""

    def __init__(self) -> None:
        super().__init__()
        self.details: dict[str, Details] = {}

    @override
    def task(self, _func: Callable[..., Any] | None = None, **options: Any) -> Any:
        """Declare a task with procrastinate's options and four of ours.

        ``policy`` is a name of ``POLICIES``, by default ``base``; its retries hold unless ``retry`` is given.
        ``scope`` is ``workspace`` (the arguments name a ``workspace_id``) or ``system``, the default.
        ``lock_by`` computes the lock from the arguments; in the scope ``workspace`` that is added to it.
        ``keep_result`` is for how long its results are kept, an hour by default.

        Raises:
            TypeError: a plain ``def``: it would block every other job of the process.
            ValueError: no such policy.
        """
        policy = _policy(options.pop("policy", "base"))
        scope: Scope = options.pop("scope", "system")
        lock: Lock | None = options.pop("lock_by", None)
        keep: timedelta = options.pop("keep_result", KEEP_RESULT)
        options.setdefault("retry", PolicyRetry(policy))

        def declare(function: Callable[..., Any]) -> Task[Any, Any, Any]:
            if not inspect.iscoroutinefunction(function):
                raise TypeError(
                    f"{function.__qualname__} is a plain function, which blocks its worker: use `async def`."
                )
            name = options.get("name") or f"{function.__module__}.{function.__qualname__}"
            arguments = Arguments(name, function, skip=1 if options.get("pass_context") else 0)
            if scope == "workspace" and "workspace_id" not in arguments.names:
                raise TypeError(f"{name} has the scope workspace and must take `workspace_id: UUID`.")
            declared: Task[Any, Any, Any] = super(Declarations, self).task(**options)(
                _checking(function, arguments)
            )
            spelled = _in_workspace(lock) if lock and scope == "workspace" else lock
            self.details[declared.name] = Details(policy, scope, arguments, spelled, keep)
            if self is not HOUSE:
                _others.update(dict.fromkeys((declared.name, *declared.aliases), self))
            return declared

        return declare if _func is None else declare(_func)

    def include(self, other: "Declarations") -> None:
        """Take over another list's tasks under their own names."""
        for name, task in other.tasks.items():
            self._add_task(task=task, name=name)
            task.blueprint = self
        self.details.update(other.details)

    def find(self, name: str) -> tuple[Task[Any, Any, Any], Details]:
        """A task by its name or an alias.

        Raises:
            NotFound: names the tasks there are.
        """
        try:
            task = self.tasks[name]
            return task, self.details[task.name]
        except KeyError:
            known = ", ".join(sorted(self.details))
            raise NotFound(
                f"There is no task named {name!r}.",
                field="task",
                fix=f"One of: {known}. What workers know besides: socialsync inspect registered",
            ) from None


HOUSE = Declarations()
"""The tasks of all rooms that are imported."""
_others: dict[str, Declarations] = {}
"""Where tasks outside the rooms were declared last: users' own, on an App."""


def find(name: str) -> tuple[Task[Any, Any, Any], Details]:
    """A task of the house or of a user, by its name or an alias.

    Raises:
        NotFound: names the tasks there are.
    """
    return _others.get(name, HOUSE).find(name)


def names() -> set[str]:
    """Of all tasks that this process knows, aliases too."""
    return {*HOUSE.tasks, *_others}


def task(
    *,
    name: str,
    queue: str,
    policy: str,
    scope: Scope,
    priority: int = 0,
    lock: Lock | None = None,
    aliases: tuple[str, ...] = (),
) -> Callable[[Callable[Concatenate[JobContext, P], Awaitable[R]]], Task[..., Awaitable[R], ...]]:
    """Declare a task of a room. Its first parameter is the job's context, the rest are its arguments."""

    def declare(function: Callable[Concatenate[JobContext, P], Awaitable[R]]) -> Task[..., Awaitable[R], ...]:
        declared: Task[..., Awaitable[R], ...] = HOUSE.task(
            name=name,
            queue=queue,
            policy=policy,
            scope=scope,
            priority=priority,
            lock_by=lock,
            aliases=list(aliases),
            pass_context=True,
        )(function)
        return declared

    return declare


def _policy(name: str) -> Policy:
    if name not in POLICIES:
        raise ValueError(f"There is no policy {name!r}. One of: {', '.join(sorted(POLICIES))}.")
    return POLICIES[name]


def policy_of(task: Task[Any, Any, Any] | None, details: Mapping[str, Details]) -> Policy:
    """Its policy; ``base`` for what nobody declared here."""
    found = details.get(task.name) if task else None
    return found.policy if found else POLICIES["base"]


def _in_workspace(lock: Lock) -> Lock:
    """Whoever makes up arguments, as a rerun may, gets no lock of another workspace by them."""

    @functools.wraps(lock)
    def spelled(**arguments: Any) -> str:
        return f"{lock(**arguments)}@{arguments['workspace_id']}"

    return spelled


def _checking(function: Callable[..., Awaitable[R]], arguments: Arguments) -> Callable[..., Awaitable[R]]:
    """The function with checked arguments, whose failures are told once, with what they were about."""

    @functools.wraps(function)
    async def run(*context: Any, **given: Any) -> R:
        try:
            return await function(*context, **arguments.check(given))
        except SocialSyncError as error:
            log.warning(
                "[JOB] Failed", task=arguments.task, kind=error.code, reason=str(error), **_ids(given)
            )
            raise
        except (Wait, exceptions.JobAborted):
            raise  # not a failure
        except Exception:
            log.exception("[JOB] Failed by a defect", task=arguments.task, **_ids(given))
            raise

    return run


def _ids(given: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in given.items() if name.endswith("_id")}
