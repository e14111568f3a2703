"""A running job: one attempt, its time limits, and what it came to.

A limit, an abort and a stop all arrive as a cancellation at the point where the task awaits. The soft limit
is turned there into ``SoftTimeLimitExceeded``, which the task may use to tidy up.
"""

import asyncio
import time
import traceback
from collections.abc import Awaitable, Coroutine, Generator
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import Any

from procrastinate import exceptions, middleware
from procrastinate.job_context import AbortReason, JobContext
from procrastinate.tasks import Task
from procrastinate.worker import Worker as StockWorker
from pydantic_core import to_json
from typing_extensions import override

from socialsync import clock, telemetry
from socialsync.errors import UnknownOutcome
from socialsync.queue.claiming import Claimed
from socialsync.queue.endings import Ending
from socialsync.queue.jobs import JobLost
from socialsync.queue.policies import HardTimeLimitExceeded, Policy, SoftTimeLimitExceeded, Wait
from socialsync.queue.tasks import KEEP_RESULT, Details

log = telemetry.get_logger(__name__)

_LONGEST_ERROR = 2_000
_LONGEST_TRACEBACK = 20_000
_LOST_AGAIN = timedelta(seconds=1)


class Why(Enum):
    """Why a running job is cancelled."""

    ABORT = "asked to"
    SOFT = "soft"
    HARD = "hard"
    STOP = "stop"
    CUT_OFF = "cut off"
    """Others are about to take it; it is stored as of ``STOP`` if they did not."""
    LOST = "lost"
    """It is somebody else's by now: nothing is stored."""


_WHATEVER_IT_SAYS = frozenset({Why.HARD, Why.STOP, Why.CUT_OFF})
"""A task that we cancelled may answer with any error, e.g. of what it was closing: it failed by our doing."""


@dataclass(eq=False, slots=True)
class Running:
    """A job of ours between its claim and its ending."""

    claimed: Claimed
    policy: Policy
    began_at: float
    """Monotonic."""
    task: "asyncio.Task[None] | None" = None
    why: Why | None = None
    softened: bool = False
    cancelled_at: float | None = None
    soft_at: float = field(init=False)
    hard_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.soft_at = self.began_at + self.policy.soft.total_seconds()
        self.hard_at = self.began_at + self.policy.hard.total_seconds()

    @property
    def id(self) -> int:
        job_id = self.claimed.job.id
        assert job_id is not None  # noqa: S101 # claimed jobs have one
        return job_id

    def cancel(self, why: Why) -> None:
        """Cancel it where it awaits. What is stronger (lost, hard limit) overrides what is not."""
        if self.why is Why.LOST or (self.why is why and why is not Why.SOFT):
            return
        if self.why in {Why.HARD, Why.CUT_OFF} and why is not Why.LOST:
            return
        self.why = why
        self.cancelled_at = time.monotonic()
        if self.task is not None:
            self.task.cancel()

    def abort_reason(self) -> AbortReason | None:
        """Procrastinate's word for it, for ``context.should_abort()``."""
        if self.why is Why.ABORT:
            return AbortReason.USER_REQUEST
        return None if self.why is None else AbortReason.SHUTDOWN

    def may_be_softened(self, now: float) -> bool:
        """Whether its soft limit is over, and nothing else has cancelled it."""
        return self.why is None and not self.softened and self.soft_at <= now and self.soft_at < self.hard_at

    def told_to_tidy_up(self) -> bool:
        """Whether this very cancellation is the soft limit; it is only once."""
        if self.why is not Why.SOFT or self.softened:
            return False
        self.softened = True
        self.why = self.cancelled_at = None
        if self.task is not None:
            self.task.uncancel()
        return True


class Softened(Awaitable[Any]):
    """Awaits a coroutine; a cancellation that is the soft limit reaches it as ``SoftTimeLimitExceeded``."""

    __slots__ = ("_coroutine", "_running")

    def __init__(self, coroutine: Coroutine[Any, Any, Any], running: Running) -> None:
        self._coroutine = coroutine
        self._running = running

    @override
    def __await__(self) -> Generator[Any, Any, Any]:
        coroutine = self._coroutine
        error: BaseException | None = None
        value: Any = None
        while True:
            try:
                waited = coroutine.send(value) if error is None else coroutine.throw(error)
            except StopIteration as done:
                return done.value
            error = None
            try:
                value = yield waited
            except asyncio.CancelledError as cancelled:
                error = SoftTimeLimitExceeded() if self._running.told_to_tidy_up() else cancelled
            except BaseException as raised:  # noqa: BLE001 # passed on into the coroutine
                error = raised


async def attempt(
    running: Running, task: Task[Any, Any, Any], context: JobContext, worker: StockWorker
) -> Any:
    """Run the task once, inside the middleware, and give what it returned."""
    kwargs = running.claimed.job.task_kwargs
    arguments = (context,) if task.pass_context else ()
    inner = [*worker.task_middleware, *task.task_middleware]
    if not inner and not worker.worker_middleware:
        return await Softened(task.func(*arguments, **kwargs), running)

    async def run_task() -> Any:
        return await task.func(*arguments, **kwargs)

    async def run_job() -> Any:
        return await middleware.compose(inner, run_task, context, worker)()

    return await Softened(middleware.compose(worker.worker_middleware, run_job, context, worker)(), running)


def ending(
    running: Running,
    task: Task[Any, Any, Any] | None,
    result: Any,
    error: BaseException | None,
    details: Details | None,
) -> Ending | None:
    """What an attempt came to; None when the job is not ours any more."""
    if running.why is Why.LOST:
        return None
    if error is None:
        keep = details.keep_result if details else KEEP_RESULT
        return Ending(running.id, "succeeded", result=_stored(result), keep=keep)
    if isinstance(error, JobLost | Wait) and running.why is not Why.HARD:
        # Lost: nothing was committed; it runs again, if it is ours at all.
        wait = error.wait if isinstance(error, Wait) else _LOST_AGAIN
        return Ending(running.id, "todo", retry_at=clock.now() + wait, spend=False)
    if running.why in _WHATEVER_IT_SAYS or _is_cancellation(error):
        return _cancelled(running, error)
    retry = task.get_retry_exception(exception=error, job=running.claimed.job) if task else None
    if retry is None:
        return Ending(running.id, "failed", error=brief(error), traceback=_traceback(error))
    decision = retry.retry_decision
    return Ending(
        running.id,
        "todo",
        retry_at=decision.retry_at,
        priority=decision.priority,
        queue=decision.queue,
        lock=decision.lock,
        error=brief(error),
        traceback=_traceback(error),
    )


def _is_cancellation(error: BaseException) -> bool:
    return isinstance(error, asyncio.CancelledError | exceptions.JobAborted) and not isinstance(
        error, SoftTimeLimitExceeded
    )


def _cancelled(running: Running, error: BaseException) -> Ending:
    if running.why is Why.HARD:
        seconds = running.policy.hard.total_seconds()
        late = HardTimeLimitExceeded(f"It ran longer than its hard limit of {seconds:g} s.")
        return Ending(running.id, "failed", error=brief(late), traceback=_traceback(error))
    if running.why in {Why.STOP, Why.CUT_OFF}:
        return put_back(running)
    return Ending(running.id, "aborted", error="Aborted")


def put_back(running: Running) -> Ending:
    """A job that its worker cannot end: as its policy says of dead workers, without spending an attempt."""
    if running.policy.on_death == "requeue":
        return Ending(running.id, "todo", spend=False)
    if running.policy.on_death == "drop":
        return Ending(running.id, "aborted", error="Its worker stopped; the next tick replaces it")
    unknown = UnknownOutcome("its worker stopped, and what it did must not be done twice")
    return Ending(running.id, "failed", error=brief(unknown))


def brief(error: BaseException) -> str:
    """One line: the kind of error and its message, without secrets."""
    said = telemetry.scrub(str(error))
    return _storable(f"{type(error).__name__}: {said}"[:_LONGEST_ERROR])


def _traceback(error: BaseException) -> str:
    lines = "".join(traceback.format_exception(error))
    return _storable(telemetry.scrub(lines)[-_LONGEST_TRACEBACK:])


def _storable(text: str) -> str:
    """What Postgres takes as text: no NUL, and nothing that UTF-8 has no bytes for."""
    return text.replace("\x00", "\\x00").encode(errors="backslashreplace").decode()


def _stored(result: Any) -> str | None:
    """JSON text of what a task returned; what JSON has no word for is described."""
    if result is None:
        return None
    try:
        text = to_json(result, serialize_unknown=True, inf_nan_mode="strings").decode()
    except ValueError:
        text = to_json({"unstorable": type(result).__name__}).decode()
    return text.replace("\\u0000", "\\ufffd")
