"""The verbs of the room: rules, and decisions as they are recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.errors import Conflict
from socialsync.features.decisions import matching, queries
from socialsync.features.decisions.models import AiDecision, DecisionRule

Verdict = Literal["RESPOND", "IGNORE", "ESCALATE"]
Source = Literal["rule", "guardrail", "moderation", "model", "settings"]
ContextType = Literal["chat", "comment"]


@dataclass(frozen=True)
class Judgement:
    """What is to become of something that somebody wrote.

    Args:
        reason: for a person who asks why.
        rule: the name of the rule, or of the kind of message.
        confidence: 0 to 1; None where nothing was weighed.
    """

    decision: Verdict
    reason: str
    source: Source
    rule: str | None = None
    confidence: float | None = None


@dataclass(frozen=True)
class Subject:
    """What was decided about: ``id`` is a conversation's window's, or a comment's."""

    workspace_id: UUID
    channel_id: UUID
    context_type: ContextType
    id: UUID


class RuleNameTaken(Conflict):
    """Another rule has this name."""


async def add_rule(session: AsyncSession, workspace_id: UUID, **values: Any) -> DecisionRule:
    """
    Raises:
        Invalid: the pattern is none, or fits everything.
        RuleNameTaken.
    """
    matching.check(values["kind"], values["pattern"])
    await _check_name(session, values["name"])
    rule = DecisionRule(workspace_id=workspace_id, **values)
    session.add(rule)
    await session.flush()
    await session.refresh(rule)
    return rule


async def edit_rule(
    session: AsyncSession, rule_id: UUID, changes: Mapping[str, Any], *, now: datetime
) -> DecisionRule:
    """Raises NotFound, and as ``add_rule``."""
    rule = await queries.get_rule(session, rule_id)
    if changes.get("name", rule.name) != rule.name:
        await _check_name(session, changes["name"])
    for name, value in changes.items():
        setattr(rule, name, value)
    matching.check(rule.kind, rule.pattern)
    rule.updated_at = now
    await session.flush()
    return rule


async def remove_rule(session: AsyncSession, rule_id: UUID) -> None:
    """Raises NotFound."""
    await session.delete(await queries.get_rule(session, rule_id))


get_rule = queries.get_rule
list_rules = queries.list_rules
list_rules_for = queries.list_rules_for
list_decisions = queries.list_decisions
list_by_ids = queries.list_by_ids


async def record(
    session: AsyncSession, about: Subject, judgement: Judgement, *, sources: Sequence[str] = ()
) -> UUID | None:
    """Keep a decision, in the transaction that acts on it. None when this thing was decided before."""
    return await queries.add_decision(
        session,
        {
            "workspace_id": about.workspace_id,
            "channel_id": about.channel_id,
            "context_type": about.context_type,
            "subject_id": about.id,
            "decision": judgement.decision,
            "reason": judgement.reason,
            "source": judgement.source,
            "rule": judgement.rule,
            "confidence": judgement.confidence,
            "sources": list(sources),
        },
    )


async def _check_name(session: AsyncSession, name: str) -> None:
    if await queries.find_rule(session, name):
        raise RuleNameTaken(
            f"There is a rule named {name!r} already.",
            field="name",
            fix="Choose another, or change that one.",
        )


__all__ = ["AiDecision", "DecisionRule", "Judgement", "Subject"]
