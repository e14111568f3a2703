"""The brain: judges a turn, looks things up, answers from what it found, and doubts what it wrote.

Each step of the graph is kept before the next begins, so that after a death nothing that was paid for is
paid again: a thread that stands at the same words goes on, or gives the decision that it had come to.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field

from socialsync import clock, later, telemetry
from socialsync.ai import Message, Spender, Tool, ToolCall
from socialsync.features.accounts import hours
from socialsync.features.accounts import service as accounts
from socialsync.features.conversations import telling, wording
from socialsync.features.conversations.brain import Decision, Turn
from socialsync.features.decisions.judging import AIDecisionService
from socialsync.features.knowledge import answers, grounding
from socialsync.resources import Resources

log = telemetry.get_logger(__name__)

MEMORY = "socialsync.features.conversations.memory"
MOST_ROUNDS = 3
"""Times that the model may look something up for one answer."""
SILENT = {"sticker"}
"""Kinds of messages that ask for nothing."""
NOT_KNOWN = "The knowledge holds no answer."
NOT_SOUND = "What the model wrote does not rest on what it was given."


class Look(BaseModel):
    """Arguments of ``search_knowledge``."""

    query: str = Field(description="What to look for, in the customer's words and language.")


class Reason(BaseModel):
    """Arguments of ``escalate``."""

    reason: str = Field(description="One sentence for the colleague who takes over.")


SEARCH = Tool("search_knowledge", "Search what the business has written down: documents and FAQ.", Look)
ESCALATE = Tool("escalate", "Have a person of the business take over.", Reason)


class State(TypedDict, total=False):
    """What a thread knows. ``turn`` tells which words it is about; all are plain values."""

    turn: str
    lines: list[dict[str, str]]
    asked: str
    judgement: dict[str, Any]
    wordless: list[str]
    looked: list[dict[str, Any]]
    found: list[dict[str, Any]]
    said: str
    decision: dict[str, Any]


class Mind:
    """A ``Brain`` on the models and the knowledge of a workspace.

    Args:
        opened: what the process has opened.
    """

    def __init__(self, opened: Resources) -> None:
        self._opened = opened

    async def decide(self, turn: Turn) -> Decision:
        """See ``Brain``."""
        state = await (await self._thread(turn)).go_through(_begun(turn, _key(turn)))
        decision = Decision(**state["decision"])
        log.info("[CHAT] Decided", verdict=decision.verdict, rule=decision.rule, source=decision.source)
        return decision

    async def catch_up(self, turn: Turn) -> None:
        """See ``Brain``. A turn that was being answered is begun anew, with what was said since."""
        await (await self._thread(turn)).renew(_begun(turn, ""), before="judge")

    async def _thread(self, turn: Turn) -> Any:
        """LangGraph is imported in a thread: it takes seconds, for which the loop would be deaf."""
        memory = await asyncio.to_thread(later.imported, MEMORY)
        steps = _Steps(self._opened, turn)
        return memory.Thread(
            self._opened.database, turn.workspace_id, turn.conversation_id, shape=State, wire=steps.wire
        )


class _Steps:
    """The steps of one turn. Each gives what it changes."""

    def __init__(self, opened: Resources, turn: Turn) -> None:
        self._opened = opened
        self._turn = turn
        self._spender = Spender(turn.workspace_id, "chat", str(turn.conversation_id))

    def wire(self, graph: Any) -> None:
        """The steps, and what follows on each."""
        for step in (self.judge, self.think, self.look, self.compose, self.doubt):
            graph.add_node(step.__name__, step)
        graph.set_entry_point("judge")
        graph.add_conditional_edges("judge", lambda state: _ended(state) or "think")
        graph.add_conditional_edges(
            "think", lambda state: _ended(state) or ("doubt" if state["said"] else "look")
        )
        graph.add_edge("look", "compose")
        graph.add_conditional_edges("compose", lambda state: _ended(state) or "think")
        graph.set_finish_point("doubt")

    async def judge(self, state: State) -> State:
        """What becomes of it. What has no words is shown to a person, unless it is a sticker."""
        if wordless := state["wordless"]:
            if set(wordless) <= SILENT:
                reason = "Only stickers."
                return {
                    "decision": {
                        "verdict": "IGNORE",
                        "reason": reason,
                        "source": "guardrail",
                        "rule": "no_words",
                    }
                }
            kinds = ", ".join(sorted(set(wordless)))
            return {"decision": await self._escalated(state, f"No words, only: {kinds}.", "no_words")}
        judged = await AIDecisionService(self._opened, self._turn.workspace_id).check_message(
            state["asked"], "chat", context=[(line["author"], line["text"]) for line in state["lines"]][-10:]
        )
        judgement = {
            "source": judged.source, "rule": judged.rule, "confidence": judged.confidence,
        }  # fmt: skip
        if judged.decision == "RESPOND":
            return {"judgement": judgement}
        answer = await self._handed_over(state) if judged.decision == "ESCALATE" else None
        decision = {"verdict": judged.decision, "reason": judged.reason, "answer": answer, **judgement}
        return {"judgement": judgement, "decision": decision}

    async def think(self, state: State) -> State:
        """Speak, look something up, or hand over."""
        looked = state.get("looked", [])
        if len(looked) >= MOST_ROUNDS:
            return {"decision": await self._escalated(state, NOT_KNOWN, "not_known")}
        act = await self._opened.ai.act(
            self._spender, await self._prompt(state), (SEARCH, ESCALATE),
            must=None if not looked else SEARCH.name,
        )  # fmt: skip
        for call in act.calls:
            if call.name == ESCALATE.name:
                reason = str(call.arguments["reason"]).strip()[:500] or "The model asks for a person."
                return {"decision": await self._escalated(state, reason, "model_hands_over", source="model")}
        if not act.calls:
            return {"said": act.text}
        call = act.calls[0]
        return {"looked": [*looked, {"id": call.id, "query": str(call.arguments["query"])}], "said": ""}

    async def look(self, state: State) -> State:
        """What the knowledge holds for the question, and for what the model looks for."""
        hits: dict[str, dict[str, Any]] = {str(each["id"]): each for each in state.get("found", [])}
        for query in dict.fromkeys((state["asked"], state["looked"][-1]["query"])):
            for hit in await answers.find(
                self._opened, self._turn.workspace_id, query[:1_000], limit=answers.SOURCES
            ):
                hits.setdefault(str(hit.chunk_id), telling.kept(hit))
        return {"found": list(hits.values())[: 2 * answers.SOURCES]}

    async def compose(self, state: State) -> State:
        """Answer from what was found, or look again; and at last say that it is not known."""
        hits = [telling.hit_of(each) for each in state["found"]]
        if hits:
            settings = await self._settings()
            composed = await self._opened.ai.decide(
                self._spender,
                [
                    Message("system", f"{grounding.rules(None)}Your tone is {settings['tone']}."),
                    *telling.history(state["lines"]),
                    Message("user", grounding.framed(state["asked"], hits)),
                ],
                grounding.Composed,
            )
            before = " ".join(line["text"] for line in state["lines"])
            cited = grounding.checked(composed, f"{state['asked']} {before}", hits)
            if cited is not None and not wording.tells_rules(composed.answer):
                return {"decision": self._answered(state, composed.answer, [hits[n] for n in cited])}
        if (
            len(state["looked"]) < MOST_ROUNDS
            and state["looked"][-1]["query"].split() != state["asked"].split()
        ):
            return {}
        return {"decision": await self._escalated(state, NOT_KNOWN, "not_known")}

    async def doubt(self, state: State) -> State:
        """What the model said without looking anything up may only be small talk."""
        answer = state["said"].strip()
        if telling.is_small_talk(answer, state["asked"]) and not wording.tells_rules(answer):
            return {"decision": self._answered(state, answer, [])}
        return {"decision": await self._escalated(state, NOT_SOUND, "not_grounded")}

    def _answered(self, state: State, answer: str, rests_on: Sequence[Any]) -> dict[str, Any]:
        return {
            "verdict": "RESPOND",
            "reason": "It rests on the knowledge." if rests_on else "Small talk.",
            "answer": answer.strip(),
            "sources": [str(hit.chunk_id) for hit in rests_on],
            **state["judgement"],
        }

    async def _escalated(
        self, state: State, reason: str, rule: str, *, source: str = "guardrail"
    ) -> dict[str, Any]:
        answer = await self._handed_over(state)
        return {"verdict": "ESCALATE", "reason": reason, "answer": answer, "source": source, "rule": rule}

    async def _handed_over(self, state: State) -> str:
        settings = await self._settings()
        language = grounding.language_of(state["asked"])
        return wording.handed_over(language, are_there=settings["are_there"])

    async def _prompt(self, state: State) -> list[Message]:
        settings = await self._settings()
        messages = [
            Message("system", wording.rules(settings["tone"], settings["languages"])),
            *telling.history(state["lines"]),
            Message("user", telling.framed(state["asked"])),
        ]
        for each in state.get("looked", []):
            call = ToolCall(each["id"], SEARCH.name, {"query": each["query"]})
            messages += [Message("assistant", "", calls=(call,)),
                         Message("tool", "Nothing that answers it was found.", call_id=call.id)]  # fmt: skip
        return messages

    async def _settings(self) -> Mapping[str, Any]:
        async with self._opened.database.transaction(self._turn.workspace_id) as session:
            workspace = await accounts.get_workspace(session, self._turn.workspace_id)
        now = _local(clock.now(), workspace.timezone)
        return {
            "tone": workspace.tone,
            "languages": workspace.languages,
            "are_there": hours.are_there(workspace.business_hours, now),
        }


def _ended(state: State) -> str | None:
    return "__end__" if state.get("decision") else None


def _begun(turn: Turn, key: str) -> State:
    asked = [line for line in turn.lines if line.asks]
    words = any(line.text and line.text.strip() for line in asked)
    return {
        "turn": key,
        "lines": [
            {"author": line.author, "text": telling.said(line.kind, line.text)}
            for line in turn.lines if not line.asks
        ],
        "asked": "\n".join(telling.said(line.kind, line.text) for line in asked),
        "wordless": [] if words else [line.kind for line in asked],
        "looked": [], "found": [], "said": "", "decision": {}, "judgement": {},
    }  # fmt: skip


def _key(turn: Turn) -> str:
    """Of the window and the very words: an edit, or another message, makes it another turn."""
    said = "\x00".join(f"{line.message_id} {line.author} {line.text}" for line in turn.lines)
    return f"{turn.window_id} {hashlib.sha256(said.encode(errors='replace')).hexdigest()}"


def _local(now: datetime, zone: str) -> datetime:
    return now.astimezone(ZoneInfo(zone))
