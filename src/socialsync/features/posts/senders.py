"""From a begun attempt to the platform and back: prepare, commit the intent, act, store the outcome.

No transaction is open while the network is.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import clock
from socialsync.db import patience
from socialsync.errors import SocialSyncError, Temporary
from socialsync.features.channels import service as channels
from socialsync.features.posts.outcomes import sentence
from socialsync.features.posts.publishing import Attempt
from socialsync.platforms import Sender
from socialsync.platforms.errors import PairRateLimited, PlatformError, QuotaSpent, RateLimited, TokenRevoked
from socialsync.queue.jobs import Job
from socialsync.queue.policies import Wait
from socialsync.resources import Resources

LONGEST_WAIT = timedelta(minutes=2)
"""A longer wait goes back to the row."""
LIMITED = timedelta(minutes=1)
"""When the platform says that it is too much, and not for how long."""


class Held(Exception):
    """The post must wait for longer than a job waits; nothing happened, and it is not to blame."""

    def __init__(self, why: str, wait: timedelta | None) -> None:
        super().__init__(why)
        self.why = why
        self.wait = wait


@dataclass(frozen=True)
class Errand:
    """One attempt on its way: what it needs, and in whose name."""

    opened: Resources
    job: Job
    workspace_id: UUID
    attempt: Attempt
    sender: Sender

    def transaction(self) -> AbstractAsyncContextManager[AsyncSession]:
        return self.opened.database.transaction(self.workspace_id)


def errand(opened: Resources, job: Job, workspace_id: UUID, attempt: Attempt) -> Errand:
    """Raises NotFound, Permanent: the channel was deleted, or its token cannot be read."""
    return Errand(opened, job, workspace_id, attempt, channels.sender_of(attempt.channel, opened.cipher))


async def store(
    opened: Resources, workspace_id: UUID, record: Callable[[AsyncSession], Awaitable[None]]
) -> None:
    """Store an outcome, patiently while Postgres is away. Should all tries fail, it is settled later."""
    await patience.store(opened.database, workspace_id, record)


TOKEN_AGAIN = timedelta(seconds=10)
"""After which a token is tried again that was refused, but not at a second look."""


async def waiting(errand: Errand, error: SocialSyncError) -> Exception:
    """What a refusal becomes for which nobody is to blame: a wait of the job, or of the post. Other errors
    stay what they are.
    """
    if isinstance(error, TokenRevoked):
        return await _second_look(errand)
    if isinstance(error, QuotaSpent):
        return Held(sentence(error), error.retry_after)
    if isinstance(error, RateLimited) and not isinstance(error, PairRateLimited):
        wait = error.retry_after or LIMITED
        return Wait(wait) if wait <= LONGEST_WAIT else Held(sentence(error), wait)
    return error


async def _second_look(errand: Errand) -> Held | Temporary:
    """Only a token that is refused twice closes its channel: Meta has refused good ones."""
    channel = errand.attempt.channel
    try:
        await errand.opened.platforms[channel.platform].check_token(errand.sender)
    except TokenRevoked as again:
        async with errand.transaction() as session:
            await channels.mark_revoked(
                session, channel.id, sentence(again), now=clock.now(), token_set_at=channel.token_set_at
            )
        return Held(f"It waits until the channel is connected again. {sentence(again)}", None)
    except PlatformError:
        pass
    return Temporary(
        "Meta refused the channel's access token, but not at a second look.", retry_after=TOKEN_AGAIN
    )
