"""``/api/v1/posts/bulk`` and ``/reschedule``: many posts at once, all or none."""

from collections.abc import Sequence
from datetime import timedelta

from fastapi import Response
from sqlalchemy import RowMapping

from socialsync import clock
from socialsync.api.idempotency import AskedOnce, once, was_answered
from socialsync.api.opened import Opened
from socialsync.api.principal import Operator
from socialsync.api.routing import Router
from socialsync.features.posts import bulk, probing, rescheduling
from socialsync.features.posts.schemas import ManyAnswer, ManyPosts, ManyTimes, Written

router = Router(prefix="/api/v1/posts", tags=["posts"])


@router.post(
    "/bulk", status_code=201, response_model=ManyAnswer, summary="Write or schedule up to 10,000 posts"
)
async def create_posts(body: ManyPosts, caller: Operator, opened: Opened, asked: AskedOnce) -> Response:
    """All of them or, when anything is wrong with one, none; the answer names up to 100 problems, in
    their order. Send `{"posts": [...]}` or the bare list.
    """
    posts = body.each()
    async with opened.database.transaction(caller.workspace_id) as session:
        again = await was_answered(session, asked)
        checked = await bulk.check_many(session, caller.workspace_id, [] if again else posts, now=clock.now())
    await probing.look_at_many(opened.settings, [post.media for post in checked])

    async def make() -> ManyAnswer:
        return _answer(await bulk.add_many(session, caller.workspace_id, checked))

    async with opened.database.transaction(caller.workspace_id) as session:
        return await once(session, asked, make)


@router.post("/reschedule", response_model=ManyAnswer, summary="Give up to 10,000 posts another time")
async def reschedule_posts(body: ManyTimes, caller: Operator, opened: Opened, asked: AskedOnce) -> Response:
    """Drafts and queued posts only, all or none. Of a series these occurrences move and no others."""

    async def make() -> ManyAnswer:
        rows = await rescheduling.reschedule(
            session,
            body.ids,
            publish_at=body.publish_at,
            shift=None if body.shift_s is None else timedelta(seconds=body.shift_s),
            now=clock.now(),
        )
        return _answer(rows)

    async with opened.database.transaction(caller.workspace_id) as session:
        return await once(session, asked, make, status=200)


def _answer(rows: Sequence[RowMapping]) -> ManyAnswer:
    return ManyAnswer(count=len(rows), items=[Written.model_validate(dict(row)) for row in rows])
