"""The brain: takes the steps from a turn to a decision, and remembers how far it has come.

Each step of the graph is kept before the next begins, so that after a death nothing that was paid for is
paid again: a thread that stands at the same words goes on, or gives the decision that it had come to.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any, ClassVar

from socialsync import clock, later, telemetry
from socialsync.features.channels import service as channels
from socialsync.features.conversations import telling
from socialsync.features.conversations.brain import Decision, Turn
from socialsync.features.conversations.steps import State, Steps, wire
from socialsync.features.decisions import service as decisions
from socialsync.features.decisions.service import DecisionRule
from socialsync.resources import Resources

log = telemetry.get_logger(__name__)

MEMORY = "socialsync.features.conversations.memory"


class Mind:
    """A ``Brain`` on the models and the knowledge of a workspace.

    Args:
        opened: what the process has opened.
    """

    _memory: ClassVar[Any] = None

    def __init__(self, opened: Resources) -> None:
        self._opened = opened

    async def decide(self, turn: Turn) -> Decision:
        """See ``Brain``."""
        memory, key = await self._remembering(), _key(turn)
        async with self._opened.database.transaction(turn.workspace_id) as session:
            manner = await channels.get_manner(session, turn.channel_id)
            rules = await decisions.list_rules_for(session, turn.workspace_id, "chat")
            kept = await memory.find_turn(session, turn.workspace_id, turn.conversation_id)
        thread = self._thread(memory, turn, rules, anew=kept != key)
        begun = _begun(turn, key, _manner(manner))
        state = await (thread.go_on(begun) if kept == key else thread.take_all(begun))
        decision = Decision(**state["decision"])
        log.info("[CHAT] Decided", verdict=decision.verdict, rule=decision.rule, source=decision.source)
        return decision

    async def catch_up(self, turn: Turn) -> None:
        """See ``Brain``. A turn that was being answered is begun anew, with what was said since."""
        thread = self._thread(await self._remembering(), turn, (), anew=True)
        await thread.renew(_begun(turn, "", {}), behind="judge")

    def _thread(self, memory: Any, turn: Turn, rules: Sequence[DecisionRule], *, anew: bool) -> Any:
        steps = Steps(self._opened, turn, rules)
        return memory.Thread(
            self._opened.database, turn.workspace_id, turn.conversation_id,
            steps=steps, shape=State, wire=wire, anew=anew,
        )  # fmt: skip

    @classmethod
    async def _remembering(cls) -> Any:
        """LangGraph is imported in a thread: it takes seconds, for which the loop would be deaf."""
        if cls._memory is None:
            with later.aside():
                cls._memory = await asyncio.to_thread(later.imported, MEMORY)
        return cls._memory


def _manner(manner: channels.Manner) -> dict[str, Any]:
    """How to speak, and whether people are there."""
    return {
        "tone": manner.tone,
        "languages": manner.languages,
        "are_there": manner.are_there(clock.now()),
    }


def _begun(turn: Turn, key: str, manner: dict[str, Any]) -> State:
    asked = [line for line in turn.lines if line.asks]
    words = any(line.text and line.text.strip() for line in asked)
    return {
        "turn": key,
        "manner": manner,
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
