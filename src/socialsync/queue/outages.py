"""Tasks for which a Postgres that is away is no failure."""

import functools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import ParamSpec, TypeVar

from socialsync.db.away import is_away
from socialsync.queue.policies import Wait

P = ParamSpec("P")
T = TypeVar("T")

AWAY = timedelta(seconds=5)
"""Until the next try while Postgres is away, or has no connection left."""


def patient(run: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """No attempt is spent because Postgres is away: the row is not to blame, and what is in doubt is to be
    settled in time. The rows tell the next life where it was.
    """

    @functools.wraps(run)
    async def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await run(*args, **kwargs)
        except Exception as error:
            if is_away(error):
                raise Wait(AWAY) from error
            raise

    return wrapped
