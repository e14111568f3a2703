"""A wait for a job's end that holds neither a transaction nor a connection meanwhile."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.queue import history
from socialsync.queue.controls import By

_FIRST_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 0.25


async def until_ended(
    begin: Callable[[], AbstractAsyncContextManager[AsyncSession]], job_id: int, by: By, *, within: float
) -> None:
    """Return when the job has ended, and after ``within`` seconds in any case.

    Args:
        begin: a transaction for each look.

    Raises:
        NoSuchJob.
    """
    loop = asyncio.get_running_loop()
    ends_at, pause = loop.time() + within, _FIRST_PAUSE_S
    while (left := ends_at - loop.time()) > 0:
        async with begin() as session:
            status = await history.get_status(session, job_id, workspace_id=by.workspace_id)
        if status in history.ENDED:
            return
        await asyncio.sleep(min(pause, left))
        pause = min(_LONGEST_PAUSE_S, pause * 1.5)
