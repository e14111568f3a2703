"""The doors to rules and decisions."""

from uuid import UUID

from starlette.responses import Response
from starlette.status import HTTP_201_CREATED, HTTP_204_NO_CONTENT

from socialsync import clock
from socialsync.api.idempotency import AskedOnce, once
from socialsync.api.opened import Opened
from socialsync.api.pages import Paged
from socialsync.api.principal import Operator, Reader
from socialsync.api.routing import Router
from socialsync.api.schemas import Page
from socialsync.features.decisions import service
from socialsync.features.decisions.schemas import DecisionOut, NewRule, RuleChanges, RuleOut
from socialsync.features.decisions.service import ContextType, Verdict

router = Router(prefix="/api/v1", tags=["decisions"])


@router.post("/decision-rules", status_code=HTTP_201_CREATED, response_model=RuleOut, summary="Write a rule")
async def add_rule(body: NewRule, caller: Operator, opened: Opened, asked: AskedOnce) -> Response:
    """Rules are asked before any model, by `position`. Words and phrases are found whole and in any case; a
    regular expression is given up after 50 ms.
    """

    async def make() -> RuleOut:
        rule = await service.add_rule(session, caller.workspace_id, **body.model_dump())
        return RuleOut.model_validate(rule)

    async with opened.database.transaction(caller.workspace_id) as session:
        return await once(session, asked, make)


@router.get("/decision-rules", summary="List the rules, newest first")
async def list_rules(caller: Reader, opened: Opened, paged: Paged) -> Page[RuleOut]:
    async with opened.database.transaction(caller.workspace_id) as session:
        rows = await service.list_rules(session, before=paged.cursor, limit=paged.fetch)
        return paged.page(rows, RuleOut.model_validate)


@router.get("/decision-rules/{rule_id}", summary="See a rule")
async def get_rule(rule_id: UUID, caller: Reader, opened: Opened) -> RuleOut:
    async with opened.database.transaction(caller.workspace_id) as session:
        return RuleOut.model_validate(await service.get_rule(session, rule_id))


@router.patch("/decision-rules/{rule_id}", summary="Change a rule")
async def edit_rule(rule_id: UUID, body: RuleChanges, caller: Operator, opened: Opened) -> RuleOut:
    async with opened.database.transaction(caller.workspace_id) as session:
        rule = await service.edit_rule(session, rule_id, body.given(), now=clock.now())
        return RuleOut.model_validate(rule)


@router.delete("/decision-rules/{rule_id}", status_code=HTTP_204_NO_CONTENT, summary="Remove a rule")
async def remove_rule(rule_id: UUID, caller: Operator, opened: Opened) -> None:
    async with opened.database.transaction(caller.workspace_id) as session:
        await service.remove_rule(session, rule_id)


@router.get("/decisions", summary="List what was decided, and why")
async def list_decisions(  # noqa: PLR0917 - FastAPI calls by name
    caller: Reader,
    opened: Opened,
    paged: Paged,
    context_type: ContextType | None = None,
    decision: Verdict | None = None,
    channel_id: UUID | None = None,
    subject_id: UUID | None = None,
) -> Page[DecisionOut]:
    """Newest first. `subject_id` is the window of a conversation, or a comment."""
    async with opened.database.transaction(caller.workspace_id) as session:
        rows = await service.list_decisions(
            session,
            before=paged.cursor,
            limit=paged.fetch,
            context_type=context_type,
            decision=decision,
            channel_id=channel_id,
            subject_id=subject_id,
        )
        return paged.page(rows, DecisionOut.model_validate)
