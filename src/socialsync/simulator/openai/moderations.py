"""``POST /v1/moderations`` (OpenAI's API reference, "Create moderation"). Pictures are never flagged."""

from collections.abc import Mapping
from typing import Any

from socialsync.simulator.openai.call import Answer, Call, cut
from socialsync.simulator.openai.errors import invalid
from socialsync.simulator.openai.mind.moderation import FLAGGED_FROM, scores
from socialsync.simulator.openai.turns import text_of

MODEL = "omni-moderation-latest"


def moderate(call: Call) -> Answer:
    model = call.text("model") or MODEL
    texts = _texts(call.body.get("input"))
    results = [_result(text) for text in texts]
    name = call.names.moderation()
    content = {"id": name, "model": model, "results": results}
    flagged = [sorted(c for c, is_so in each["categories"].items() if is_so) for each in results]
    kept = {"model": model, "inputs": [cut(text) for text in texts], "flagged": flagged}
    return Answer(name, content, kept, {**content, "results": []})


def _texts(given: Any) -> list[str]:
    """A text, texts, or the parts of one message, which get one result together."""
    match given:
        case str() if given:
            return [given]
        case [dict(), *_]:
            return [text_of(given, "input")]
        case [str(), *_] if all(isinstance(text, str) for text in given):
            return list(given)
        case _:
            raise invalid("Invalid type for 'input': expected a string or an array.", "input", "invalid_type")


def _result(text: str) -> Mapping[str, Any]:
    found = scores(text)
    flags = {category: score >= FLAGGED_FROM for category, score in found.items()}
    return {
        "flagged": any(flags.values()),
        "categories": flags,
        "category_scores": found,
        "category_applied_input_types": {category: ["text"] for category in found},
    }
