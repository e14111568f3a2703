"""From a comment to what becomes of it, and to the words of a reply. No transaction is open meanwhile.

It fails closed: when moderation or the model does not answer, a person decides.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from pydantic import BaseModel, Field

from socialsync import telemetry
from socialsync.ai import Message, Spender, Tool
from socialsync.ai.errors import AiError, BudgetSpent
from socialsync.errors import Temporary
from socialsync.features.comments import queries, wording
from socialsync.features.comments.cases import Case
from socialsync.features.decisions import guards
from socialsync.features.decisions.judging import AIDecisionService
from socialsync.features.decisions.service import Judgement
from socialsync.features.knowledge import answers, grounding
from socialsync.features.knowledge.retrieval import Hit
from socialsync.queue.policies import Wait

log = telemetry.get_logger(__name__)
T = TypeVar("T")

PAUSES_S = (1.0, 4.0)
"""Between tries when a model does not answer. After the last one a person decides."""
AI_OFF = Judgement("IGNORE", "The AI is switched off for the comments of this channel.", "settings", "ai_off")
ANSWERED = Judgement("IGNORE", "The business has answered it already.", "guardrail", "answered")
DELETED = Judgement("IGNORE", "It was deleted.", "guardrail", "deleted")
BETWEEN = Judgement("IGNORE", "Two other people talk with one another.", "guardrail", "between_others")
NOT_KNOWN = Judgement("ESCALATE", "The knowledge holds no answer.", "guardrail", "not_known")
NOT_SOUND = Judgement(
    "ESCALATE", "What the model wrote does not rest on what it was given.", "guardrail", "not_grounded"
)


@dataclass(frozen=True)
class Ruling:
    """A judgement; with RESPOND the words, and the ids of the passages that they rest on."""

    judgement: Judgement
    reply: str | None = None
    sources: tuple[str, ...] = ()


class Look(BaseModel):
    """Arguments of ``search_knowledge``."""

    query: str = Field(description="What to look for, in the words and the language of the comment.")


SEARCH = Tool("search_knowledge", "Search what the business has written down: documents and FAQ.", Look)


async def decide(case: Case) -> Ruling:
    """
    Raises:
        Wait: the budget of the workspace is spent.
    """
    if (known := _known(case)) is not None:
        return Ruling(known)
    try:
        judgement = await _patiently(case, _judge)
        if judgement.decision == "RESPOND" and case.is_between_others:
            judgement = BETWEEN
        if judgement.decision != "RESPOND":
            return Ruling(judgement)
        composed = await _patiently(case, compose)
    except AiError as error:
        return Ruling(_undecided(error))
    if composed.reply is None:
        return composed
    return replace(composed, judgement=judgement)


async def answer(case: Case) -> Ruling:
    """A person wants it answered, and the words are ours to find.

    Raises:
        Wait: the budget of the workspace is spent.
    """
    try:
        return await _patiently(case, compose)
    except AiError as error:
        return Ruling(_undecided(error))


async def compose(case: Case) -> Ruling:
    """Words for everybody to read, that rest on the knowledge; or small talk, that needs none."""
    text = case.comment.text
    spender = Spender(case.workspace_id, "comments", str(case.comment.id))
    told = Message("system", wording.rules(case.manner.tone, case.manner.languages))
    asked = Message("user", wording.framed(text, case.caption, wording.said(case.thread, case.comment)))
    act = await case.opened.ai.act(spender, [told, asked], (SEARCH,))
    if not act.calls:
        said = act.text.strip()
        sound = grounding.is_small_talk(said, text) and not wording.tells_rules(said)
        return _ruling(said, ()) if sound else Ruling(NOT_SOUND)
    hits: list[Hit] = []
    for query in dict.fromkeys((text, str(act.calls[0].arguments["query"]))):
        known = {hit.chunk_id for hit in hits}
        found = await answers.find(case.opened, case.workspace_id, query[:1_000], limit=answers.SOURCES)
        hits += [hit for hit in found if hit.chunk_id not in known]
    if not hits:
        return Ruling(NOT_KNOWN)
    composed = await case.opened.ai.decide(
        spender,
        [
            Message("system", f"{grounding.rules(None)}{wording.PUBLIC}Your tone is {case.manner.tone}."),
            Message("user", grounding.framed(text, hits)),
        ],
        grounding.Composed,
    )
    cited = grounding.checked(composed, text, hits)
    if cited is None or wording.tells_rules(composed.answer):
        return Ruling(NOT_KNOWN)
    return _ruling(composed.answer.strip(), tuple(str(hits[n].chunk_id) for n in cited))


def _ruling(reply: str, sources: tuple[str, ...]) -> Ruling:
    return Ruling(Judgement("RESPOND", "A person wants it answered.", "settings"), reply, sources)


def _known(case: Case) -> Judgement | None:
    """What needs no model. Danger is seen wherever it stands."""
    if (kind := guards.danger(case.comment.text)) is not None:
        return Judgement("ESCALATE", guards.REASONS[kind], "guardrail", kind)
    if case.comment.deleted_at is not None:
        return DELETED
    if case.is_answered:
        return ANSWERED
    return None if case.channel.ai_enabled_for_comments else AI_OFF


async def _judge(case: Case) -> Judgement:
    service = AIDecisionService(case.opened, case.workspace_id)
    return await service.check_message(
        case.comment.text,
        "comment",
        context=wording.context(case.caption, case.thread, case.comment),
        examples=case.examples,
        images=case.images,
    )


async def _patiently(case: Case, step: Callable[[Case], Awaitable[T]]) -> T:
    """Try again what may pass; a spent budget is waited for.

    Raises:
        AiError: it does not pass.
        Wait.
    """
    for pause in (*PAUSES_S, None):
        try:
            return await step(case)
        except BudgetSpent as error:
            await _note(case, error)
            raise Wait(wording.BUDGET_WAIT) from error
        except AiError as error:
            if pause is None or not isinstance(error, Temporary):
                raise
            log.info("[COMMENT] Trying the model again", reason=error.message)
            await asyncio.sleep(pause)
    raise AssertionError("the last pause is None")


async def _note(case: Case, error: AiError) -> None:
    """Why it waits."""
    async with case.opened.database.transaction(case.workspace_id) as session:
        await queries.set_comment(session, case.comment.id, {"error": error.message})


def _undecided(error: AiError) -> Judgement:
    return Judgement("ESCALATE", f"No decision could be made. {error.message}", "guardrail", "model_away")
