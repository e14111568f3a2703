"""What a model was told and asked: its rules, the sources it was given, the question."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from socialsync.simulator.openai.mind.orders import is_order
from socialsync.simulator.openai.mind.sentences import plain_sentences
from socialsync.simulator.openai.mind.tongue import language_of

_SOURCE = re.compile(
    r"<(source|document|passage|chunk|faq|fact|snippet)\b([^>]*)>(.*?)</\1\s*>", re.IGNORECASE | re.DOTALL
)
_SOURCE_ID = re.compile(r"\b(?:id|ref|index|number|n)\s*=\s*[\"']?([^\"'\s>]+)", re.IGNORECASE)
_NUMBERED = re.compile(r"^\[([\w-]{1,40})\][ :]+(.+?)(?=^\[[\w-]{1,40}\][ :]|\Z)", re.MULTILINE | re.DOTALL)
_ASKED = re.compile(
    r"<(question|messages?|comment|customer|customer_message|user_message|query|text|input|content|post|draft)"
    r"\b[^>]*>(.*?)</\1\s*>",
    re.IGNORECASE | re.DOTALL,
)
_ASKED_LABEL = re.compile(
    r"^(?:question|customer|comment|message|frage|pregunta|سؤال|السؤال)\s*:\s*(.+)\Z",
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)
_TAG = re.compile(r"</?[a-z_]+(?:\s[^<>]*)?>", re.IGNORECASE)
_ANSWER_IN = re.compile(r"\b(?:answer|reply|respond) in (en|fr|es|de|ar)\b(?!-)", re.IGNORECASE)
_TEXT_KEYS = ("text", "content", "passage", "chunk", "snippet", "answer", "body")
_ID_KEYS = ("id", "source_id", "chunk_id", "document_id", "ref", "number")
_ASKED_KEYS = ("question", "query", "message", "comment", "text", "input", "content")
_MOST_JSON_STARTS = 40


@dataclass(frozen=True, slots=True)
class Turn:
    """``role``: system, user, assistant or tool (developer is system)."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Source:
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """
    Args:
        rules: what the system says, without sources.
        asked: what the customer wrote last, as it was written.
        before: what the customer wrote before that.
        sources: what may be quoted, in their order.
        language: the one that the rules name, else the question's.
    """

    rules: str
    asked: str
    before: str
    sources: Sequence[Source]
    language: str
    ends_with_tool: bool

    @property
    def question(self) -> str:
        """What was asked, without orders to a model."""
        return _without_orders(self.asked)

    @property
    def questions(self) -> Sequence[str]:
        """Each that was asked; all as one where nothing has a question mark."""
        pieces = [piece for piece in plain_sentences(self.asked) if not is_order(piece)]
        return [piece for piece in pieces if piece.endswith(("?", "؟"))] or [self.question]


def read_prompt(turns: Sequence[Turn]) -> Prompt:
    sources = [source for turn in turns if turn.role != "assistant" for source in _sources(turn)]
    named: dict[str, Source] = {}
    for number, source in enumerate(sources, start=1):
        name = source.id or str(number)
        named.setdefault(name, Source(name, source.text))
    asked = [text for turn in turns if turn.role == "user" if (text := _asked(turn.text))]
    rules = "\n".join(_TAG.sub(" ", _SOURCE.sub(" ", turn.text)) for turn in turns if turn.role == "system")
    last = asked[-1] if asked else ""
    return Prompt(
        rules=rules,
        asked=last,
        before=asked[-2] if len(asked) > 1 else "",
        sources=list(named.values()),
        language=_told(rules) or language_of(_without_orders(last) or last),
        ends_with_tool=bool(turns) and turns[-1].role == "tool",
    )


def _without_orders(text: str) -> str:
    return " ".join(piece for piece in plain_sentences(text) if not is_order(piece))


def _told(rules: str) -> str | None:
    """The language that the rules want answers in, if they name one."""
    found = _ANSWER_IN.search(rules)
    return found[1].lower() if found else None


def _sources(turn: Turn) -> list[Source]:
    blocks = [Source(_id_in(attributes), text.strip()) for _, attributes, text in _SOURCE.findall(turn.text)]
    if blocks:
        return blocks
    listed = [source for value in _jsons(turn.text) for source in _in_json(value)]
    if listed:
        return listed
    if turn.role in {"system", "tool"}:
        numbered = [Source(name, text.strip()) for name, text in _NUMBERED.findall(turn.text)]
        if numbered or turn.role == "system":
            return numbered
        return [Source("", turn.text)] if not list(_jsons(turn.text)) else []
    return []


def _id_in(attributes: str) -> str:
    found = _SOURCE_ID.search(attributes)
    return found[1] if found else ""


def _asked(text: str) -> str:
    """A customer's words among what a program wrote around them."""
    bare = _SOURCE.sub(" ", text)
    if blocks := [block.strip() for _, block in _ASKED.findall(bare)]:
        return "\n".join(blocks)
    if label := _ASKED_LABEL.search(bare):
        return label[1].strip()
    for value in _jsons(bare):
        if isinstance(value, dict):
            for key in _ASKED_KEYS:
                if isinstance(value.get(key), str):
                    return str(value[key]).strip()
    return bare.strip()


def _jsons(text: str) -> Iterator[Any]:
    """The JSON objects and arrays that stand in a text."""
    decoder = json.JSONDecoder()
    at = 0
    for _ in range(_MOST_JSON_STARTS):
        starts = [found for found in (text.find("{", at), text.find("[", at)) if found >= 0]
        if not starts:
            return
        try:
            value, at = decoder.raw_decode(text, min(starts))
        except (ValueError, RecursionError):
            at = min(starts) + 1
            continue
        if value:
            yield value


def _in_json(value: Any) -> Iterator[Source]:
    """Objects of lists that have a text: hits, as a tool answers with them."""
    if isinstance(value, dict):
        for inner in value.values():
            if isinstance(inner, list | dict):
                yield from _in_json(inner)
    elif isinstance(value, list):
        for each in value:
            if isinstance(each, dict) and (text := _text_in(each)):
                yield Source(
                    next((str(each[key]) for key in _ID_KEYS if each.get(key) is not None), ""), text
                )
            elif isinstance(each, list | dict):
                yield from _in_json(each)


def _text_in(hit: Mapping[str, Any]) -> str:
    text = next((hit[key] for key in _TEXT_KEYS if isinstance(hit.get(key), str)), "")
    above = next((hit[key] for key in ("question", "heading", "title") if isinstance(hit.get(key), str)), "")
    return f"{above}\n{text}" if text and above else str(text)
