"""From what somebody wrote to a decision: danger, rules, moderation, and the model, in this order."""

import contextlib
from collections.abc import Sequence
from uuid import UUID

from pydantic import BaseModel, Field

from socialsync.ai import Message, Spender
from socialsync.ai.errors import CallRefused
from socialsync.features.decisions import guards, matching, prompting, service
from socialsync.features.decisions.service import ContextType, Judgement, Verdict
from socialsync.resources import Resources

UNSURE = 0.4
"""A model that is less sure than this does not answer: a person looks."""


class Weighed(BaseModel):
    """What the model is asked for."""

    decision: Verdict = Field(description="RESPOND, IGNORE or ESCALATE.")
    reason: str = Field(description="One sentence for the person who reviews it.")
    rule: str = Field(description="A short name for the kind of message, e.g. question or complaint.")
    confidence: float = Field(description="How sure you are, from 0 to 1.")


class AIDecisionService:
    """Decides what becomes of messages and comments of one workspace.

    Args:
        opened: what the process has opened; no transaction is open while models are asked.
    """

    def __init__(self, opened: Resources, workspace_id: UUID) -> None:
        self._opened = opened
        self._workspace_id = workspace_id

    async def check_message(
        self,
        text: str,
        context_type: ContextType = "chat",
        *,
        context: Sequence[tuple[str, str]] = (),
        examples: Sequence[tuple[str, str]] = (),
        images: Sequence[str] = (),
        rules: Sequence[service.DecisionRule] | None = None,
    ) -> Judgement:
        """Decide; the first that has something to say does: danger, the workspace's rules, a wish for a
        person, moderation, the model. What is written is data: no order in it is followed.

        Args:
            context: what it was said about, as names and texts: earlier turns, a post's caption.
            examples: texts with what people decided of them here.
            images: URLs of what it was said about. A model that cannot see them decides without.
            rules: the workspace's, where they were read already.

        Raises:
            AiError: moderation or the model did not answer. Whoever calls waits, or escalates.
        """
        concern = guards.guarded(text)
        if concern is not None and concern.rule in guards.DANGERS:
            return Judgement("ESCALATE", concern.reason, "guardrail", concern.rule)
        rule = matching.first(await self._rules(context_type) if rules is None else rules, text)
        if rule is not None:
            return Judgement(_verdict(rule.decision), f"The rule “{rule.name}” says so.", "rule", rule.name)
        if concern is not None:
            return Judgement("ESCALATE", concern.reason, "guardrail", concern.rule)
        purpose = Spender(self._workspace_id, "decisions")
        moderation = await self._opened.ai.moderate(purpose, text)
        if moderation.flagged:
            named = ", ".join(sorted(moderation.flagged))
            return Judgement("ESCALATE", f"Moderation flags it: {named}.", "moderation", named.split(",")[0])
        told = Message("system", prompting.rules(context_type, examples))
        framed = prompting.framed(text, context)
        if images:
            with contextlib.suppress(CallRefused):
                shown = Message("user", framed, images=images)
                return _judged(await self._opened.ai.decide(purpose, [told, shown], Weighed))
        return _judged(await self._opened.ai.decide(purpose, [told, Message("user", framed)], Weighed))

    async def _rules(self, context_type: ContextType) -> Sequence[service.DecisionRule]:
        async with self._opened.database.transaction(self._workspace_id) as session:
            return await service.list_rules_for(session, self._workspace_id, context_type)


def _judged(weighed: Weighed) -> Judgement:
    confidence = min(1.0, max(0.0, weighed.confidence))
    reason = weighed.reason.strip()[:500] or "The model gave no reason."
    rule = weighed.rule.strip()[:80] or None
    if weighed.decision != "ESCALATE" and confidence < UNSURE:
        return Judgement("ESCALATE", f"The model is not sure. {reason}", "model", rule, confidence)
    return Judgement(weighed.decision, reason, "model", rule, confidence)


def _verdict(stored: str) -> Verdict:
    return "RESPOND" if stored == "RESPOND" else "IGNORE" if stored == "IGNORE" else "ESCALATE"
