"""The jobs of the room: send, settle, fetch."""

import functools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import ParamSpec, TypeVar
from uuid import UUID

from socialsync import clock, resources
from socialsync.db.away import is_away
from socialsync.features.messages import lanes, media, outbox, sending, settling
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
    name="messages.send_message", queue="ingest", policy="message", scope="workspace", priority=6,
    lock=lanes.of_outbound,
)  # fmt: skip
@patient
async def send_message(job: Job, *, workspace_id: UUID, conversation_id: UUID) -> dict[str, int | str]:
    """Send what waits in the outbox of a conversation, in its order: how many were ``sent``, are in ``doubt``
    or have ``failed``, and why the rest ``waits``.
    """
    return await sending.send_all(resources.of(job), job, workspace_id, conversation_id)


@task(name="messages.settle", queue="ingest", policy="message", scope="workspace", priority=2)
@patient
async def settle(job: Job, *, workspace_id: UUID, message_id: UUID) -> dict[str, str]:
    """Say what became of a message that nobody told the end of."""
    async with resources.of(job).database.transaction(workspace_id) as session:
        status = await settling.settle(session, workspace_id, message_id, now=clock.now())
    if status == "sending":
        raise Wait(outbox.SETTLE_AFTER)
    return {"message_id": str(message_id), "status": status}


@task(name="messages.fetch_media", queue="ingest", policy="message", scope="workspace", priority=2)
@patient
async def fetch_media(job: Job, *, workspace_id: UUID, message_id: UUID) -> dict[str, int]:
    """Fetch the files of a message."""
    return await media.fetch(resources.of(job), job, workspace_id, message_id)
