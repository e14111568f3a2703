"""The job of the room: tell people by mail."""

import functools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import ParamSpec, TypeVar
from uuid import UUID

from socialsync import resources
from socialsync.db.away import is_away
from socialsync.features.escalations import delivery, lanes
from socialsync.queue.jobs import Job
from socialsync.queue.policies import Wait
from socialsync.queue.tasks import task

P = ParamSpec("P")
T = TypeVar("T")
AWAY = timedelta(seconds=5)
"""Until the next try while Postgres is away, or has no connection left."""


def patient(run: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """No attempt is spent because Postgres is away. The rows tell the next life where it was."""

    @functools.wraps(run)
    async def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await run(*args, **kwargs)
        except Exception as error:
            if is_away(error):
                raise Wait(AWAY) from error
            raise

    return wrapped


@task(
    name=lanes.NOTIFY, queue="escalation", policy="idempotent", scope="workspace", priority=2,
    lock=lanes.of_channel,
)  # fmt: skip
@patient
async def notify_escalation(job: Job, *, workspace_id: UUID, channel_id: UUID) -> dict[str, str]:
    """Mail what the people of a channel do not know yet: as one mail, at its time."""
    return await delivery.notify(resources.of(job), job, workspace_id, channel_id)
