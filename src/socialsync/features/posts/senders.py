"""From a begun attempt to the platform and back: prepare, commit the intent, act, store the outcome.

No transaction is open while the network is.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import clock
from socialsync.db.away import is_away
from socialsync.errors import Permanent, Refused, Temporary, UnknownOutcome
from socialsync.features.channels import service as channels
from socialsync.features.posts import publishing, queries
from socialsync.features.posts.publishing import Attempt
from socialsync.platforms import ContainerState, ContainerStatus, Media, Sender, Template
from socialsync.platforms.errors import (
    ContainerLost,
    ContainerMissing,
    ObjectNotVisible,
    PairRateLimited,
    PermissionMissing,
    SenderBlocked,
    TokenRevoked,
)
from socialsync.queue.jobs import Job
from socialsync.resources import Resources

OUTCOME_TRIES = (0.1, 0.5, 2.0, 5.0, 10.0)
"""Seconds between tries to store what the world has seen already, while Postgres is away."""
CONTAINER_LOOKS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0)
"""Seconds between looks at a container; after the last, the policy's wait is the next look."""
ABOUT_THE_SENDER = (TokenRevoked, SenderBlocked, PermissionMissing)
"""Refusals that every further recipient would get too."""


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


async def send(opened: Resources, job: Job, workspace_id: UUID, attempt: Attempt) -> str:
    """Publish this attempt on its channel's platform.

    Returns:
        ``published``, ``failed`` or ``unknown``: what the post has become.

    Raises:
        PostEdited: begin again.
        JobLost: stop.
        Temporary, Permanent, Refused: nothing happened (of a broadcast: to those who still wait).
        UnknownOutcome: it may have happened.
    """
    sender = channels.sender_of(attempt.channel, opened.cipher)  # before any intent: it may be refused
    errand = Errand(opened, job, workspace_id, attempt, sender)
    return await (_broadcast(errand) if attempt.is_broadcast else _publish_image(errand))


async def store(
    opened: Resources, workspace_id: UUID, record: Callable[[AsyncSession], Awaitable[None]]
) -> None:
    """Store an outcome, patiently while Postgres is away. Should all tries fail, the next life finds it
    unknown.
    """
    for pause in (*OUTCOME_TRIES, None):
        try:
            async with opened.database.transaction(workspace_id) as session:
                await record(session)
        except (SQLAlchemyError, OSError) as error:
            if pause is None or not is_away(error):
                raise
            await asyncio.sleep(pause)
        else:
            return


async def _publish_image(errand: Errand) -> str:
    instagram, attempt = errand.opened.platforms.instagram, errand.attempt
    container_id = attempt.container_id
    if container_id is None:
        image = Media(attempt.media_urls[0], "image")
        container_id = await instagram.create_container(
            errand.sender, image, attempt.text, media_type="image"
        )
        await _keep_container(errand, container_id)
    await _until_finished(errand, container_id)
    async with errand.transaction() as session:
        await publishing.commit_intent(session, errand.job, attempt, now=clock.now())
    try:
        media_id = await instagram.publish_container(errand.sender, container_id)
    except (ContainerLost, ContainerMissing):
        await _keep_container(errand, None)
        raise
    await store(
        errand.opened,
        errand.workspace_id,
        lambda session: publishing.succeed(session, attempt, media_id, now=clock.now()),
    )
    return "published"


async def _keep_container(errand: Errand, container_id: str | None) -> None:
    async with errand.transaction() as session:
        await publishing.keep_container(session, errand.attempt, container_id)


async def _until_finished(errand: Errand, container_id: str) -> None:
    """Wait until the container can be published. One that is only slow stays for the next attempt."""
    for pause in (*CONTAINER_LOOKS, None):
        try:
            status = await errand.opened.platforms.instagram.container_status(errand.sender, container_id)
        except ObjectNotVisible:
            status = ContainerStatus(ContainerState.IN_PROGRESS)  # says nothing about the container
        if status.failure is not None:
            await _keep_container(errand, None)
            raise status.failure
        if status.state is ContainerState.FINISHED:
            return
        if status.state is ContainerState.PUBLISHED:
            raise UnknownOutcome(
                "Instagram says that this post's media is published already.",
                fix="Look at the account; then tell SocialSync what happened.",
            )
        if pause is not None:
            await asyncio.sleep(pause)
    raise Temporary("Instagram is still preparing the media.", retry_after=timedelta(minutes=1))


async def _broadcast(errand: Errand) -> str:
    """Send to one recipient after the other. One to whom too much was sent waits for the next attempt."""
    held: dict[UUID, PairRateLimited] = {}
    while True:
        async with errand.transaction() as session:
            delivery = await publishing.next_delivery(
                session, errand.job, errand.attempt, but=set(held), now=clock.now()
            )
        if delivery is None:
            break
        try:
            await _deliver(errand, *delivery)
        except PairRateLimited as limited:
            held[delivery[0]] = limited
    if held:
        raise next(iter(held.values()))
    async with errand.transaction() as session:
        return (await publishing.conclude_broadcast(session, errand.attempt, now=clock.now())).status


async def _deliver(errand: Errand, delivery_id: UUID, to: str) -> None:
    """Send to one recipient and store how it went. A refusal of this recipient stops nobody else's."""

    def keep(status: str, **outcome: str | None) -> Awaitable[None]:
        return store(
            errand.opened,
            errand.workspace_id,
            lambda session: queries.set_delivery(session, delivery_id, clock.now(), status=status, **outcome),
        )

    try:
        message_id = await _message(errand, to, tracker=str(delivery_id))
    except Temporary:
        await keep("queued")
        raise
    except UnknownOutcome as error:
        await keep("unknown", error=publishing.sentence(error))
    except (Permanent, Refused) as error:
        await keep("failed", error=publishing.sentence(error))
        if isinstance(error, ABOUT_THE_SENDER):
            raise
    else:
        await keep("sent", platform_message_id=message_id, error=None)


async def _message(errand: Errand, to: str, *, tracker: str) -> str:
    whatsapp, attempt = errand.opened.platforms.whatsapp, errand.attempt
    if attempt.template:
        return await whatsapp.send_template(errand.sender, to, Template(**attempt.template), tracker)
    return await whatsapp.send_text(errand.sender, to, attempt.text, tracker)
