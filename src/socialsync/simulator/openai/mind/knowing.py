"""What is known of a prompt, by the names that properties of answers have."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from socialsync.simulator.openai.mind.decisions import Decision, decide
from socialsync.simulator.openai.mind.extraction import Quote, best_points, cited_ids, extract, ranked, spoken
from socialsync.simulator.openai.mind.moderation import flags
from socialsync.simulator.openai.mind.prompt import Prompt
from socialsync.simulator.openai.mind.rewriting import rewritten
from socialsync.simulator.openai.mind.schemas import NOTHING, Schema, resolve, verdict_in
from socialsync.simulator.openai.mind.sentences import plain_sentences

_LONGEST_TITLE = 8
_DEFAULT_LIMIT = 5


class Knowing:
    """Of one prompt. Each thing is found out once, and only if it is asked for."""

    def __init__(self, prompt: Prompt) -> None:
        self._prompt = prompt
        self._by_name: Mapping[str, Callable[[Schema], Any]] = {
            **dict.fromkeys(("decision", "action", "verdict", "triage"), self._verdict),
            **dict.fromkeys(("answer", "reply", "response"), self._answer),
            **dict.fromkeys(("sources", "citations", "source_ids", "cited", "references"), self._cited),
            **dict.fromkeys(("grounded", "answered", "is_grounded", "found"), lambda _: bool(self._quotes)),
            **dict.fromkeys(("ranking", "order", "ranked", "ids", "results"), self._ranking),
            **dict.fromkeys(("scores", "relevance_scores"), self._scores),
            **dict.fromkeys(("rewritten", "rewrite", "revised", "rewritten_text", "text"), self._rewritten),
            **dict.fromkeys(("query", "question", "search_query", "message", "input"), self._question),
            **dict.fromkeys(("reason", "explanation", "rationale", "why"), self._reason),
            **dict.fromkeys(("rule", "rule_name", "matched_rule"), self._rule),
            **dict.fromkeys(("confidence", "certainty", "score", "probability"), self._confidence),
            **dict.fromkeys(("language", "lang", "locale"), self._language),
            **dict.fromkeys(("limit", "top_k", "k", "max_results"), self._limit),
            **dict.fromkeys(("summary", "abstract"), self._summary),
            **dict.fromkeys(("title", "headline", "subject"), self._title),
            **dict.fromkeys(("flagged", "harmful", "unsafe"), lambda _: bool(flags(prompt.asked))),
            **dict.fromkeys(("escalate", "needs_human", "handoff"), self._needs_human),
        }

    def of(self, name: str, schema: Schema) -> Any:
        """A property's value by its name, or ``NOTHING`` for one that is not known or does not fit."""
        found = self._by_name.get(name.lower())
        value = found(schema) if found else NOTHING
        return value if _fits(value, schema) else NOTHING

    @cached_property
    def _quotes(self) -> Sequence[Quote]:
        return extract(self._prompt)

    @cached_property
    def _decision(self) -> Decision:
        return decide(self._prompt.asked, is_public="public comment" in self._prompt.rules)

    def _verdict(self, schema: Schema) -> Any:
        return verdict_in(schema.get("enum") or ["RESPOND", "IGNORE", "ESCALATE"], self._decision)

    def _answer(self, _: Schema) -> str:
        return spoken(self._quotes, self._prompt.language, cited=False)

    def _cited(self, schema: Schema) -> Any:
        return _as_items(cited_ids(self._quotes), schema)

    def _ranking(self, schema: Schema) -> Any:
        if not self._prompt.sources:
            return NOTHING
        return _as_items([source.id for source in ranked(self._prompt)], schema, best_points(self._prompt))

    def _scores(self, schema: Schema) -> Any:
        points = best_points(self._prompt)
        items = resolve(schema.get("items") or {}, schema)
        if items.get("type") == "object":
            return _as_items(list(points), schema, points)
        return list(points.values())

    def _rewritten(self, _: Schema) -> str:
        return rewritten(self._prompt.asked)

    def _question(self, _: Schema) -> str:
        return self._prompt.question or self._prompt.asked

    def _reason(self, _: Schema) -> str:
        return self._decision.reason

    def _rule(self, schema: Schema) -> Any:
        choices = schema.get("enum")
        return self._decision.rule if not choices or self._decision.rule in choices else NOTHING

    def _confidence(self, schema: Schema) -> Any:
        if self._prompt.sources and self._quotes:
            sure = min(0.99, round(self._quotes[0].points, 3))
        else:
            sure = self._decision.confidence
        return round(sure * 100) if schema.get("type") == "integer" else sure

    def _language(self, schema: Schema) -> Any:
        choices = schema.get("enum")
        return self._prompt.language if not choices or self._prompt.language in choices else NOTHING

    def _limit(self, schema: Schema) -> int:
        return int(schema.get("default") or _DEFAULT_LIMIT)

    def _summary(self, _: Schema) -> str:
        return " ".join(plain_sentences(rewritten(self._prompt.asked))[:2])

    def _title(self, _: Schema) -> str:
        return " ".join(self._prompt.question.split()[:_LONGEST_TITLE]).strip(" .,;:!?")

    def _needs_human(self, _: Schema) -> bool:
        return self._decision.verdict == "ESCALATE"


def _as_items(ids: Sequence[str], schema: Schema, points: Mapping[str, float] | None = None) -> Any:
    """Ids as the list's items are: whole numbers, texts, or objects with an id."""
    items = resolve(schema.get("items") or {}, schema)
    match items.get("type"):
        case "integer" | "number":
            return [int(each) for each in ids if each.isdigit()]
        case "object":
            return [_as_object(each, items, (points or {}).get(each, 1.0)) for each in ids]
        case _:
            return list(ids)


def _as_object(id_: str, schema: Schema, points: float) -> Mapping[str, Any]:
    result: dict[str, Any] = {}
    for name, form in (schema.get("properties") or {}).items():
        kind = resolve(form, schema).get("type")
        if kind == "number":
            result[name] = points
        elif kind == "integer":
            result[name] = int(id_) if id_.isdigit() else 0
        else:
            result[name] = id_ if "id" in name or name in {"source", "ref"} else ""
    return result


def _fits(value: Any, schema: Schema) -> bool:
    """Whether a value has the schema's type, and is among its choices if there are some."""
    if value is NOTHING or (schema.get("enum") and value not in schema["enum"]):
        return False
    kinds = schema.get("type")
    match value:
        case bool():
            fitting = {"boolean"}
        case int():
            fitting = {"integer", "number"}
        case float():
            fitting = {"number"}
        case str():
            fitting = {"string"}
        case list():
            fitting = {"array"}
        case _:
            fitting = {"object"}
    return not kinds or bool(fitting & set([kinds] if isinstance(kinds, str) else kinds))
