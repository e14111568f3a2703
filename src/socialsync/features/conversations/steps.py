"""The steps of the mind: judge a turn, look things up, answer from what was found, doubt what was written.

    judge -> think -> look -> compose -> (think again, or the end)
               `---> doubt

Each ends the turn as soon as it has a decision.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypedDict

from pydantic import BaseModel, Field

from socialsync.ai import Message, Spender, Tool, ToolCall
from socialsync.features.conversations import telling, wording
from socialsync.features.conversations.brain import Turn
from socialsync.features.decisions.judging import AIDecisionService
from socialsync.features.decisions.service import DecisionRule
from socialsync.features.knowledge import answers, grounding, tongue
from socialsync.resources import Resources

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
    manner: dict[str, Any]
    lines: list[dict[str, str]]
    asked: str
    judgement: dict[str, Any]
    wordless: list[str]
    looked: list[dict[str, Any]]
    found: list[dict[str, Any]]
    said: str
    decision: dict[str, Any]


class Steps:
    """The steps of one turn. Each is given the state, and gives what it changes.

    Args:
        rules: the workspace's for chats.
    """

    def __init__(self, opened: Resources, turn: Turn, rules: Sequence[DecisionRule]) -> None:
        self._opened = opened
        self._turn = turn
        self._rules = rules
        self._spender = Spender(turn.workspace_id, "chat", str(turn.conversation_id))

    async def judge(self, state: State) -> State:
        """What becomes of it. What has no words is shown to a person, unless it is a sticker."""
        if wordless := state["wordless"]:
            if set(wordless) <= SILENT:
                why = {"reason": "Only stickers.", "source": "guardrail", "rule": "no_words"}
                return {"decision": {"verdict": "IGNORE", **why}}
            kinds = ", ".join(sorted(set(wordless)))
            return {"decision": self._escalated(state, f"No words, only: {kinds}.", "no_words")}
        judged = await AIDecisionService(self._opened, self._turn.workspace_id).check_message(
            state["asked"],
            "chat",
            context=[(line["author"], line["text"]) for line in state["lines"]][-10:],
            rules=self._rules,
        )
        judgement = {
            "reason": judged.reason, "source": judged.source, "rule": judged.rule,
            "confidence": judged.confidence,
        }  # fmt: skip
        if judged.decision == "RESPOND":
            return {"judgement": judgement}
        answer = self._handed_over(state) if judged.decision == "ESCALATE" else None
        return {"decision": {"verdict": judged.decision, "answer": answer, **judgement}}

    async def think(self, state: State) -> State:
        """Speak, look something up, or hand over."""
        looked = state.get("looked", [])
        if len(looked) >= MOST_ROUNDS:
            return {"decision": self._escalated(state, NOT_KNOWN, "not_known")}
        act = await self._opened.ai.act(
            self._spender, self._prompt(state), (SEARCH, ESCALATE),
            must=None if not looked else SEARCH.name,
        )  # fmt: skip
        for call in act.calls:
            if call.name == ESCALATE.name:
                reason = str(call.arguments["reason"]).strip()[:500] or "The model asks for a person."
                return {"decision": self._escalated(state, reason, "model_hands_over", source="model")}
        if not act.calls:
            return {"said": act.text}
        call = act.calls[0]
        return {"looked": [*looked, {"id": call.id, "query": str(call.arguments["query"])}], "said": ""}

    async def look(self, state: State) -> State:
        """What the knowledge holds for the question, and for what the model looks for."""
        hits: dict[str, dict[str, Any]] = {str(each["id"]): each for each in state.get("found", [])}
        for query in dict.fromkeys(map(_flat, (state["asked"], state["looked"][-1]["query"]))):
            for hit in await answers.find(
                self._opened, self._turn.workspace_id, query[:1_000], limit=answers.SOURCES
            ):
                hits.setdefault(str(hit.chunk_id), telling.kept(hit))
        return {"found": list(hits.values())[: 2 * answers.SOURCES]}

    async def compose(self, state: State) -> State:
        """Answer from what was found, or look again; and at last say that it is not known."""
        hits = [telling.hit_of(each) for each in state["found"]]
        if hits:
            composed = await self._opened.ai.decide(
                self._spender,
                [
                    Message("system", f"{grounding.rules(None)}Your tone is {state['manner']['tone']}."),
                    *telling.history(state["lines"]),
                    Message("user", grounding.framed(state["asked"], hits)),
                ],
                grounding.Composed,
            )
            ours = " ".join(line["text"] for line in state["lines"] if line["author"] != "customer")
            cited = grounding.checked(composed, f"{state['asked']} {ours}", hits)
            if cited is not None and not wording.tells_rules(composed.answer):
                return {"decision": self._answered(state, composed.answer, [hits[n] for n in cited])}
        if len(state["looked"]) < MOST_ROUNDS and _flat(state["looked"][-1]["query"]) != _flat(
            state["asked"]
        ):
            return {}
        return {"decision": self._escalated(state, NOT_KNOWN, "not_known")}

    async def doubt(self, state: State) -> State:
        """What the model said without looking anything up may only be small talk."""
        answer = state["said"].strip()
        if grounding.is_small_talk(answer, state["asked"]) and not wording.tells_rules(answer):
            return {"decision": self._answered(state, answer, [])}
        return {"decision": self._escalated(state, NOT_SOUND, "not_grounded")}

    def _answered(self, state: State, answer: str, rests_on: Sequence[Any]) -> dict[str, Any]:
        return {
            "verdict": "RESPOND",
            "answer": answer.strip(),
            "sources": [str(hit.chunk_id) for hit in rests_on],
            **state["judgement"],
        }

    def _escalated(
        self, state: State, reason: str, rule: str, *, source: str = "guardrail"
    ) -> dict[str, Any]:
        answer = self._handed_over(state)
        return {"verdict": "ESCALATE", "reason": reason, "answer": answer, "source": source, "rule": rule}

    def _handed_over(self, state: State) -> str:
        manner = state["manner"]
        language = tongue.language_of(state["asked"], manner["languages"])
        return wording.handed_over(language, are_there=manner["are_there"])

    def _prompt(self, state: State) -> list[Message]:
        manner = state["manner"]
        messages = [
            Message("system", wording.rules(manner["tone"], manner["languages"])),
            *telling.history(state["lines"]),
            Message("user", telling.framed(state["asked"])),
        ]
        for each in state.get("looked", []):
            call = ToolCall(each["id"], SEARCH.name, {"query": each["query"]})
            messages += [Message("assistant", "", calls=(call,)),
                         Message("tool", "Nothing that answers it was found.", call_id=call.id)]  # fmt: skip
        return messages


def wire(graph: Any, taken: Callable[[Any], Any]) -> None:
    """The steps, and what follows on each."""
    for step in (Steps.judge, Steps.think, Steps.look, Steps.compose, Steps.doubt):
        graph.add_node(step.__name__, taken(step))
    graph.set_entry_point("judge")
    graph.add_conditional_edges("judge", lambda state: _ended(state) or "think")
    graph.add_conditional_edges(
        "think", lambda state: _ended(state) or ("doubt" if state["said"] else "look")
    )
    graph.add_edge("look", "compose")
    graph.add_conditional_edges("compose", lambda state: _ended(state) or "think")
    graph.set_finish_point("doubt")


def _ended(state: State) -> str | None:
    return "__end__" if state.get("decision") else None


def _flat(text: str) -> str:
    return " ".join(text.split())
