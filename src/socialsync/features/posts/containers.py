"""One attempt on Instagram: containers that nobody sees, then the one call that everybody does.

No worker's slot is held while Instagram prepares: the job waits. Meta, "Content Publishing": ask for the
status once a minute, for no more than five minutes.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from socialsync import clock, platforms, telemetry
from socialsync.errors import Permanent, Temporary, UnknownOutcome
from socialsync.features.posts import publishing
from socialsync.features.posts.outcomes import sentence
from socialsync.features.posts.senders import Errand, Held, store, waiting
from socialsync.platforms import ContainerState, ContainerStatus
from socialsync.platforms.errors import (
    ContainerLost,
    ContainerMissing,
    MediaNotReady,
    ObjectNotVisible,
    PlatformError,
    RateLimited,
    TokenRevoked,
)
from socialsync.queue.policies import Wait

log = telemetry.get_logger(__name__)

PATIENCE = timedelta(minutes=5)
"""How long a container may be prepared before the attempt is over; it is kept for the next one."""
STEPS = ((2, 1), (6, 2), (15, 4), (40, 8), (90, 15), (180, 30))
"""Age of a container in seconds up to which the next look comes after so many seconds; a minute later on."""
QUOTA_WAIT = timedelta(minutes=15)
LOOK_AFTER = timedelta(seconds=2)
_ALREADY = "Instagram says that this post's media is published already."


async def publish(errand: Errand) -> str:
    """Publish this attempt.

    Returns:
        ``published``; or ``in doubt``: whether it happened is found out by ``posts.settle_run``.

    Raises:
        Wait, Held: not now, and nobody is to blame.
        PostEdited, JobLost: stop.
        Temporary, Permanent, Refused: nothing happened.
    """
    try:
        errand = await _prepared(errand)
        state = await _look(errand)
        await _check_quota(errand)
    except PlatformError as error:
        raise await waiting(errand, error) from error
    async with errand.transaction() as session:
        await publishing.commit_intent(session, errand.job, errand.attempt, now=clock.now())
    if state is ContainerState.PUBLISHED:  # by an attempt that was given up
        return await _doubt(errand, _ALREADY)
    return await _act(errand)


async def _act(errand: Errand) -> str:
    attempt = errand.attempt
    try:
        media_id = await errand.opened.platforms.instagram.publish_container(
            errand.sender, attempt.container_id or ""
        )
    except UnknownOutcome as error:
        return await _doubt(errand, sentence(error))
    except (ContainerLost, ContainerMissing):
        await _keep(errand, None, ())
        raise
    except MediaNotReady as error:
        await _take_back(errand)
        raise Wait(_next_look(attempt.container_at)) from error
    except PlatformError as error:
        wait = await waiting(errand, error)
        if isinstance(wait, Wait | Held):
            await _take_back(errand)
        raise wait from error
    await store(
        errand.opened,
        errand.workspace_id,
        lambda session: publishing.succeed(session, attempt, media_id, now=clock.now()),
    )
    return "published"


async def _doubt(errand: Errand, why: str) -> str:
    log.warning(
        f"[PUBLISH] The answer for post {errand.attempt.post_id} is lost; looking for it",
        post_id=str(errand.attempt.post_id),
    )
    await store(
        errand.opened,
        errand.workspace_id,
        lambda session: publishing.doubt(session, errand.attempt, why, at=clock.now() + LOOK_AFTER),
    )
    return "in doubt"


async def _prepared(errand: Errand) -> Errand:
    """The errand with its container, made or found: each is stored before the next call."""
    attempt, instagram = errand.attempt, errand.opened.platforms.instagram
    if attempt.container_id is not None:
        return errand
    media = platforms.media_of(
        "instagram",
        media_urls=attempt.media_urls,
        media_type=attempt.media_type or "image",
        alt_texts=attempt.alt_texts,
    )
    if attempt.media_type == "carousel":
        for one in media[len(attempt.children) :]:
            child = await instagram.create_child(errand.sender, one)
            errand = await _keep(errand, None, (*errand.attempt.children, child))
        for child in errand.attempt.children:
            await _check(errand, await _status(errand, child))
        container_id = await instagram.create_carousel(errand.sender, errand.attempt.children, attempt.text)
    else:
        container_id = await instagram.create_container(
            errand.sender,
            media[0],
            attempt.text,
            media_type="reel"
            if attempt.media_type == "reel"
            else "story"
            if attempt.media_type == "story"
            else "image",
        )
    return await _keep(errand, container_id, errand.attempt.children)


async def _keep(errand: Errand, container_id: str | None, children: tuple[str, ...]) -> Errand:
    now = clock.now()
    async with errand.transaction() as session:
        await publishing.keep_containers(
            session, errand.attempt, container_id=container_id, children=children, now=now
        )
    attempt = replace(errand.attempt, container_id=container_id, container_at=now, children=children)
    return replace(errand, attempt=attempt)


async def _look(errand: Errand) -> ContainerState:
    """FINISHED or PUBLISHED. Raises Wait while it is prepared, Temporary when that takes too long."""
    return await _check(errand, await _status(errand, errand.attempt.container_id or ""))


async def _status(errand: Errand, container_id: str) -> ContainerStatus:
    try:
        return await errand.opened.platforms.instagram.container_status(errand.sender, container_id)
    except ObjectNotVisible:
        return ContainerStatus(ContainerState.IN_PROGRESS)  # says nothing about the container


async def _check(errand: Errand, status: ContainerStatus) -> ContainerState:
    if status.failure is not None:
        await _keep(errand, None, ())
        raise status.failure
    if status.state is not ContainerState.IN_PROGRESS:
        return status.state
    began = errand.attempt.container_at
    if began is not None and clock.now() - began > PATIENCE:
        raise Temporary("Instagram is still preparing the media.")
    raise Wait(_next_look(began))


def _next_look(began: datetime | None) -> timedelta:
    age = (clock.now() - began).total_seconds() if began else 0.0
    return timedelta(seconds=next((step for limit, step in STEPS if age < limit), 60))


async def _check_quota(errand: Errand) -> None:
    """Only what Instagram says counts: its pages name four different numbers."""
    try:
        quota = await errand.opened.platforms.instagram.publishing_quota(errand.sender)
    except (TokenRevoked, RateLimited):
        raise
    except (PlatformError, Permanent):
        return
    if quota is not None and quota.used >= quota.total:
        raise Held(
            f"It waits: the account has published {quota.used} posts within {quota.window}, of"
            f" {quota.total} that Instagram allows.",
            QUOTA_WAIT,
        )


async def _take_back(errand: Errand) -> None:
    async with errand.transaction() as session:
        await publishing.take_back_intent(session, errand.job, errand.attempt)
