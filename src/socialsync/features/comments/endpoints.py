"""The doors to comments: what people wrote, what was decided, and a person's word against it."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response
from starlette.status import HTTP_200_OK, HTTP_202_ACCEPTED

from socialsync import clock
from socialsync.api.idempotency import AskedOnce, once
from socialsync.api.opened import Opened
from socialsync.api.pages import Paged
from socialsync.api.principal import Operator, Reader
from socialsync.api.routing import Router
from socialsync.api.schemas import Page
from socialsync.features.comments import service
from socialsync.features.comments.schemas import CommentOut, DecisionBody, ImportOut, ReplyOut, Triage, WhyOut
from socialsync.features.comments.service import Comment
from socialsync.features.decisions import service as decisions

router = Router(prefix="/api/v1", tags=["comments"])


@router.get("/comments", summary="List comments")
async def list_comments(  # noqa: PLR0917 - FastAPI calls by name
    caller: Reader,
    opened: Opened,
    paged: Paged,
    triage: Triage | None = None,
    channel_id: UUID | None = None,
    post_id: UUID | None = None,
    platform_comment_id: str | None = None,
    own: bool | None = None,
) -> Page[CommentOut]:
    """Newest first, each with its decision and our replies. `own=false` leaves out the business's own."""
    async with opened.database.transaction(caller.workspace_id) as session:
        rows = await service.list_comments(
            session,
            before=paged.cursor,
            limit=paged.fetch,
            triage=triage,
            channel_id=channel_id,
            post_id=post_id,
            platform_comment_id=platform_comment_id,
            own=own,
        )
        shown = {each.id: each for each in await _shown(session, rows)}
    return paged.page(rows, lambda row: shown[row.id])


@router.get("/comments/{comment_id}", summary="Show a comment")
async def get_comment(comment_id: UUID, caller: Reader, opened: Opened) -> CommentOut:
    async with opened.database.transaction(caller.workspace_id) as session:
        (shown,) = await _shown(session, [await service.get_comment(session, comment_id)])
    return shown


@router.post(
    "/comments/{comment_id}/decision", response_model=CommentOut, summary="Decide what becomes of a comment"
)
async def decide(
    comment_id: UUID, body: DecisionBody, caller: Operator, opened: Opened, asked: AskedOnce
) -> Response:
    """A person's word counts more than the AI's, and is shown to the model as an example. RESPOND sends
    `reply`, or what the AI finds; IGNORE and RESPOND resolve its escalation; ESCALATE opens one.
    """

    async def make() -> CommentOut:
        comment = await service.overrule(
            session, comment_id, body.decision, body.reply, by=caller.actor, now=clock.now()
        )
        (shown,) = await _shown(session, [comment])
        return shown

    async with opened.database.transaction(caller.workspace_id) as session:
        return await once(session, asked, make, status=HTTP_200_OK)


@router.post(
    "/channels/{channel_id}/media/import",
    status_code=HTTP_202_ACCEPTED,
    summary="Watch recent posts that were published elsewhere",
)
async def import_media(channel_id: UUID, caller: Operator, opened: Opened) -> ImportOut:
    """Those of the last seven days. Comments that were written more than a day before are not answered."""
    async with opened.database.transaction(caller.workspace_id) as session:
        job_id = await service.import_later(session, channel_id, now=clock.now())
    return ImportOut(job_id=job_id)


async def _shown(session: AsyncSession, rows: Sequence[Comment]) -> list[CommentOut]:
    """With their decisions and replies."""
    ids = [row.ai_decision_id for row in rows if row.ai_decision_id is not None]
    whys = {each.id: WhyOut.model_validate(each) for each in await decisions.list_by_ids(session, ids)}
    replies: dict[UUID, list[ReplyOut]] = {}
    for reply in await service.list_replies(session, [row.id for row in rows]):
        replies.setdefault(reply.comment_id, []).append(ReplyOut.model_validate(reply))
    shown = []
    for row in rows:
        values = {name: getattr(row, name) for name in CommentOut.model_fields if hasattr(row, name)}
        why = whys.get(row.ai_decision_id) if row.ai_decision_id else None
        shown.append(CommentOut(**values, decision=why, replies=replies.get(row.id, [])))
    return shown
