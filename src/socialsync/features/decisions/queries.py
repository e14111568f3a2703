"""The statements about rules and decisions."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.errors import NotFound
from socialsync.features.decisions.models import AiDecision, DecisionRule


async def get_rule(session: AsyncSession, rule_id: UUID) -> DecisionRule:
    """Raises NotFound."""
    row = await session.get(DecisionRule, rule_id)
    if row is None:
        raise NotFound("No such rule.", field="rule_id", fix="GET /api/v1/decision-rules lists them.")
    return row


async def find_rule(session: AsyncSession, name: str) -> DecisionRule | None:
    found: DecisionRule | None = await session.scalar(select(DecisionRule).where(DecisionRule.name == name))
    return found


async def list_rules(
    session: AsyncSession, *, before: UUID | None = None, limit: int | None = None
) -> Sequence[DecisionRule]:
    """Newest first."""
    query = select(DecisionRule).order_by(DecisionRule.id.desc()).limit(limit)
    if before is not None:
        query = query.where(DecisionRule.id < before)
    return (await session.scalars(query)).all()


async def list_rules_for(
    session: AsyncSession, workspace_id: UUID, context_type: str
) -> Sequence[DecisionRule]:
    """Those that hold in a context, in the order in which they are asked."""
    query = (
        select(DecisionRule)
        .where(
            DecisionRule.workspace_id == workspace_id,
            DecisionRule.enabled,
            DecisionRule.contexts.contains([context_type]),
        )
        .order_by(DecisionRule.position, DecisionRule.id)
    )
    return (await session.scalars(query)).all()


async def add_decision(session: AsyncSession, values: Mapping[str, Any]) -> UUID | None:
    """Its id; None when there is one about the same thing."""
    added = insert(AiDecision).values(**values).on_conflict_do_nothing().returning(AiDecision.id)
    found: UUID | None = await session.scalar(added)
    return found


async def list_by_ids(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[AiDecision]:
    return (await session.scalars(select(AiDecision).where(AiDecision.id.in_(ids)))).all()


async def list_decisions(
    session: AsyncSession,
    *,
    before: UUID | None,
    limit: int,
    **wanted: Any,
) -> Sequence[AiDecision]:
    """Newest first; ``wanted`` are columns with the values they must have, None for any."""
    query = select(AiDecision).order_by(AiDecision.id.desc()).limit(limit)
    for name, value in wanted.items():
        if value is not None:
            query = query.where(getattr(AiDecision, name) == value)
    if before is not None:
        query = query.where(AiDecision.id < before)
    return (await session.scalars(query)).all()
