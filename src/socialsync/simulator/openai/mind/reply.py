"""What the model says: a text, JSON of a form, or calls of tools."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from socialsync.simulator.openai.mind.decisions import decide, small_talk
from socialsync.simulator.openai.mind.extraction import cited_ids, extract, spoken
from socialsync.simulator.openai.mind.knowing import Knowing
from socialsync.simulator.openai.mind.prompt import Prompt
from socialsync.simulator.openai.mind.rewriting import rewritten
from socialsync.simulator.openai.mind.sayings import GREETING, HANDED_OVER, UNKNOWN, WELCOME
from socialsync.simulator.openai.mind.schemas import Schema, filled
from socialsync.simulator.openai.mind.sentences import plain_sentences

_REWRITE = re.compile(
    r"\b(?:re-?write|rewriting|rephrase|reformul\w+|umschreib\w*|reescrib\w*)\b|أعد صياغة", re.IGNORECASE
)
_SUMMARISE = re.compile(
    r"\b(?:summari[sz]e|summary|r[ée]sum\w+|resum\w+|zusammenfass\w*)\b|لخص", re.IGNORECASE
)
_HANDS_OVER = re.compile(r"escalat|hand_?-?off|hand_?-?over|human|transfer|operator", re.IGNORECASE)
_LOOKS_UP = re.compile(r"search|retriev|knowledge|look_?up|find|document|faq", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Tool:
    """``schema``: of its arguments."""

    name: str
    description: str
    schema: Schema

    @property
    def about(self) -> str:
        return f"{self.name} {self.description}"


@dataclass(frozen=True, slots=True)
class ToolCall:
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Reply:
    text: str = ""
    calls: Sequence[ToolCall] = field(default_factory=list)


def reply(
    prompt: Prompt, *, form: Schema | None = None, tools: Sequence[Tool] = (), forced: str | None = None
) -> Reply:
    """
    Args:
        form: of the JSON that is wanted; an empty one for any.
        forced: the tool that must be called, or an empty text for any.
    """
    if chosen := _chosen(prompt, tools, forced):
        arguments = filled(chosen.schema or {"type": "object"}, Knowing(prompt).of)
        return Reply(calls=[ToolCall(chosen.name, _json(arguments))])
    if form is not None:
        return Reply(_json(filled(form, Knowing(prompt).of) if form else _any_json(prompt)))
    return Reply(_text(prompt))


def _chosen(prompt: Prompt, tools: Sequence[Tool], forced: str | None) -> Tool | None:
    if forced is not None:
        named = [tool for tool in tools if tool.name == forced]
        return next(iter(named or tools), None)
    if not tools or prompt.ends_with_tool:
        return None
    decision = decide(prompt.asked)
    if decision.verdict == "ESCALATE":
        return _first(tools, _HANDS_OVER)
    if decision.rule in {"question", "statement"} and not prompt.sources:
        looking = [tool for tool in tools if not _HANDS_OVER.search(tool.name)]
        return _first(looking, _LOOKS_UP)
    return None


def _first(tools: Sequence[Tool], about: re.Pattern[str]) -> Tool | None:
    """By its name, else by its description."""
    by_name = (tool for tool in tools if about.search(tool.name))
    return next(by_name, next((tool for tool in tools if about.search(tool.about)), None))


def _text(prompt: Prompt) -> str:
    if quotes := extract(prompt):
        return spoken(quotes, prompt.language, cited=True)
    if not prompt.sources and _REWRITE.search(prompt.rules):
        return rewritten(prompt.asked)
    if not prompt.sources and _SUMMARISE.search(prompt.rules):
        return " ".join(plain_sentences(rewritten(prompt.asked))[:2])
    if decide(prompt.asked).verdict == "ESCALATE":
        return HANDED_OVER[prompt.language]
    talk = {"greeting": GREETING, "thanks": WELCOME}.get(small_talk(prompt.asked) or "", UNKNOWN)
    return talk[prompt.language]


def _any_json(prompt: Prompt) -> Mapping[str, Any]:
    """What a model gives that is asked for JSON without a form."""
    quotes = extract(prompt)
    return {
        "answer": spoken(quotes, prompt.language, cited=False),
        "sources": cited_ids(quotes),
        "grounded": bool(quotes),
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
