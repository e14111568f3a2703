"""JSON that fits a schema (OpenAI, "Structured Outputs"), filled with what its properties' names ask for."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from socialsync.simulator.openai.mind.decisions import Decision

Schema = Mapping[str, Any]
Known = Callable[[str, Schema], Any]
"""A property's value by its name, or ``NOTHING``."""
NOTHING: Any = object()
_DEEPEST = 12
_MEANINGS = {
    "RESPOND": ("respond", "reply", "answer", "handle", "approve"),
    "IGNORE": ("ignore", "silent", "skip", "none", "no_action", "hide", "noop"),
    "ESCALATE": ("escalate", "handoff", "hand_off", "human", "transfer", "handover", "review"),
}


def resolve(schema: Schema, root: Schema) -> Schema:
    """Behind references; of several forms the first that is not null."""
    for _ in range(_DEEPEST):
        if "$ref" in schema:
            target: Any = root
            for part in str(schema["$ref"]).removeprefix("#/").split("/"):
                target = target.get(part, {}) if part and isinstance(target, dict) else target
            schema = target if isinstance(target, dict) else {}
        elif forms := schema.get("anyOf") or schema.get("oneOf"):
            schema = next((form for form in forms if form.get("type") != "null"), forms[0])
        elif (whole := schema.get("allOf")) and len(whole) == 1:
            schema = whole[0]
        else:
            break
    return schema


def may_be_null(schema: Schema) -> bool:
    kind = schema.get("type")
    forms = schema.get("anyOf") or schema.get("oneOf") or []
    return kind == "null" or (isinstance(kind, list) and "null" in kind) or any(map(may_be_null, forms))


def filled(schema: Schema, known: Known) -> Any:
    return _fill(schema, schema, known, "", 0)


def verdict_in(choices: Sequence[Any], decision: Decision) -> Any:
    """The choice that means the decision, however it is spelt; ``NOTHING`` when none does."""
    meant = _MEANINGS[decision.verdict]
    for choice in choices:
        if isinstance(choice, str) and choice.lower().replace("-", "_").startswith(meant):
            return choice
    return NOTHING


def _fill(schema: Schema, root: Schema, known: Known, name: str, depth: int) -> Any:
    plain = resolve(schema, root)
    if "const" in plain:
        return plain["const"]
    value = known(name, plain)
    if value is not NOTHING:
        return value
    if may_be_null(schema) or depth > _DEEPEST:
        return None
    if choices := plain.get("enum"):
        return choices[0]

    def inside(form: Schema, of: str) -> Any:
        return _fill(form, root, known, of, depth + 1)

    return _of_kind(plain, name, inside)


def _of_kind(schema: Schema, name: str, inside: Callable[[Schema, str], Any]) -> Any:
    match _kind(schema):
        case "object":
            properties: Mapping[str, Schema] = schema.get("properties") or {}
            value: Any = {each: inside(form, each) for each, form in properties.items()}
        case "array":
            value = [inside(schema.get("items") or {}, name) for _ in range(int(schema.get("minItems") or 0))]
        case "integer":
            value = int(_least(schema, 0))
        case "number":
            value = float(_least(schema, 0.5))
        case "boolean":
            value = False
        case _:
            value = ""
    return value


def _kind(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), "null")
    return str(kind or ("object" if "properties" in schema else "string"))


def _least(schema: Schema, otherwise: float) -> float:
    least = schema.get("minimum", schema.get("exclusiveMinimum"))
    most = schema.get("maximum", schema.get("exclusiveMaximum"))
    if isinstance(least, int | float) and otherwise < least:
        return least
    return most if isinstance(most, int | float) and otherwise > most else otherwise
