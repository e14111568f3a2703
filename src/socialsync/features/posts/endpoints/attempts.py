"""``/api/v1/posts/{post_id}/...``: what became of a post."""

from uuid import UUID

from fastapi import Response

from socialsync import clock
from socialsync.api.idempotency import AskedOnce, once, was_answered
from socialsync.api.opened import Opened
from socialsync.api.pages import Paged
from socialsync.api.principal import Operator, Reader
from socialsync.api.routing import Router
from socialsync.api.schemas import Page
from socialsync.features.posts import probing, retrying, service
from socialsync.features.posts.endpoints import answers
from socialsync.features.posts.endpoints.answers import DeliveryAnswer, PostAnswer, RetryAnswer, RunAnswer
from socialsync.features.posts.lifecycle import ENDED, DeliveryStatus
from socialsync.features.posts.schemas import Resolution, Retry

router = Router(prefix="/api/v1/posts", tags=["posts"])


@router.get("/{post_id}/runs", summary="See the attempts to publish a post")
async def list_runs(post_id: UUID, caller: Reader, opened: Opened) -> Page[RunAnswer]:
    async with opened.database.transaction(caller.workspace_id) as session:
        runs = await service.list_runs(session, post_id)
    return Page(items=[RunAnswer.model_validate(run) for run in runs], next_cursor=None)


@router.get("/{post_id}/deliveries", summary="See what each recipient got")
async def list_deliveries(
    post_id: UUID, caller: Reader, opened: Opened, paged: Paged, status: DeliveryStatus | None = None
) -> Page[DeliveryAnswer]:
    async with opened.database.transaction(caller.workspace_id) as session:
        rows = await service.list_deliveries(
            session, post_id, after=paged.cursor, limit=paged.fetch, status=status
        )
    return paged.page(rows, DeliveryAnswer.model_validate)


@router.post(
    "/{post_id}/deliveries/retry",
    status_code=202,
    response_model=RetryAnswer,
    summary="Send the failed messages of a broadcast again",
)
async def retry_deliveries(
    post_id: UUID, caller: Operator, opened: Opened, asked: AskedOnce, body: Retry | None = None
) -> Response:
    """In an attempt of its own, once the post has ended. Only what `failed`: it certainly did not arrive. A
    message that is `unknown` may have, and is never sent again: resolve it first. Who opted out is left out.
    409 where nothing can be sent again, with the reason. The media are looked at first.
    """
    recipients = body.recipients if body else None

    async def make() -> RetryAnswer:
        post, retried = await retrying.retry_failed(session, post_id, recipients, now=clock.now())
        return RetryAnswer(post_id=post.id, status=post.status, attempt=post.attempt, retried=retried)

    media = None
    async with opened.database.transaction(caller.workspace_id) as session:
        if not await was_answered(session, asked):
            media = await service.media_of_published(session, post_id, of=ENDED)
    await probing.look(opened.settings, media)
    async with opened.database.transaction(caller.workspace_id) as session:
        return await once(session, asked, make, status=202)


@router.post("/{post_id}/resolve", summary="Say what became of a post, or look again")
async def resolve_post(post_id: UUID, body: Resolution, caller: Operator, opened: Opened) -> PostAnswer:
    """For a post whose outcome is `unknown` (of a broadcast: for every message that is). `check` asks the
    platform again, by a job; look at the post a moment later. 409 where everything is known.
    """
    now = clock.now()
    async with opened.database.transaction(caller.workspace_id) as session:
        if body.check:
            return await answers.show(session, await service.recheck(session, post_id, now=now), now=now)
        post = await service.resolve(
            session, post_id, happened=body.outcome == "happened", platform_id=body.platform_id, now=now
        )
        return await answers.show(session, post, now=now)
