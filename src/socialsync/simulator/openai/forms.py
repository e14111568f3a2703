"""The forms that a caller wants: of the answer, and of the tools the model may call."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from socialsync.simulator.openai.errors import invalid
from socialsync.simulator.openai.mind.reply import Tool
from socialsync.simulator.openai.mind.schemas import Schema

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_TYPES = ("text", "json_object", "json_schema")


def read_form(given: Mapping[str, Any], param: str, told: str) -> Schema | None:
    """The schema that the answer must fit; an empty one for any JSON; None for a text.

    Args:
        given: ``{type, json_schema: {name, strict, schema}}``, or flat, as Responses have it.
        told: all that was said, which must speak of JSON where only JSON is asked for.

    Raises:
        OpenAIError: unknown, without a name, or not as strict mode wants it.
    """
    kind = given.get("type", "text")
    if kind not in _TYPES:
        raise invalid(f"Invalid value: '{kind}'. Supported values are: {', '.join(_TYPES)}.", f"{param}.type")
    if kind == "json_object":
        if "json" not in told.lower():
            raise invalid(
                f"'messages' must contain the word 'json' in some form, to use '{param}' of type"
                " 'json_object'.",
                "messages",
            )
        return {}
    if kind == "text":
        return None
    inner = given.get("json_schema", given)
    name = inner.get("name") if isinstance(inner, dict) else None
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise invalid(
            f"Missing or invalid parameter: '{param}.json_schema.name'.", f"{param}.json_schema.name"
        )
    schema = inner.get("schema")
    if not isinstance(schema, dict) or not schema:
        raise invalid(f"Missing required parameter: '{param}.json_schema.schema'.", f"{param}.json_schema")
    if inner.get("strict"):
        _require_strict(schema, f"Invalid schema for {param} '{name}'", param)
    return schema


def read_tools(given: Sequence[Any]) -> Sequence[Tool]:
    """
    Raises:
        OpenAIError: not a function with a name.
    """
    tools = []
    for at, each in enumerate(given):
        inner = each.get("function", each) if isinstance(each, dict) else None
        if not isinstance(inner, dict) or each.get("type") != "function":
            raise invalid(
                f"Invalid value for 'tools[{at}]': only functions are served here.", f"tools[{at}].type"
            )
        name = inner.get("name")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise invalid(f"Invalid 'tools[{at}].function.name'.", f"tools[{at}].function.name")
        schema = inner.get("parameters") or {}
        if inner.get("strict"):
            _require_strict(
                schema, f"Invalid schema for function '{name}'", f"tools[{at}].function.parameters"
            )
        tools.append(Tool(name, str(inner.get("description") or ""), schema))
    return tools


def read_choice(given: Any, tools: Sequence[Tool]) -> tuple[Sequence[Tool], str | None]:
    """The tools that may be called, and the one that must (an empty text for any).

    Raises:
        OpenAIError: a choice that is none, or of a tool that is not there.
    """
    match given:
        case None | "auto":
            return tools, None
        case "none":
            return [], None
        case "required" if tools:
            return tools, ""
        case {"function": {"name": str(name)}} | {"type": "function", "name": str(name)} if any(
            tool.name == name for tool in tools
        ):
            return tools, name
        case _:
            raise invalid("Invalid value for 'tool_choice': no such choice, or no such tool.", "tool_choice")


def _require_strict(schema: Any, what: str, param: str, path: tuple[str, ...] = ()) -> None:
    """OpenAI, "Structured Outputs, Supported schemas": every property required, no others allowed."""
    if isinstance(schema, list):
        for each in schema:
            _require_strict(each, what, param, path)
    elif isinstance(schema, dict):
        if schema.get("type") == "object" or isinstance(schema.get("properties"), dict):
            _require_closed(schema, f"{what}: In context=({', '.join(map(repr, path))}), ", param)
        for name, inner in schema.items():
            if name in {"properties", "$defs", "definitions"} and isinstance(inner, dict):
                for key, each in inner.items():
                    _require_strict(each, what, param, (*path, name, key))
            elif name in {"items", "anyOf", "oneOf", "allOf"}:
                _require_strict(inner, what, param, (*path, name))


def _require_closed(schema: Mapping[str, Any], where: str, param: str) -> None:
    if schema.get("additionalProperties") is not False:
        raise invalid(f"{where}'additionalProperties' is required to be supplied and to be false.", param)
    missing = [name for name in schema.get("properties") or {} if name not in schema.get("required", [])]
    if missing:
        raise invalid(
            f"{where}'required' is required to be supplied and to be an array including every key in"
            f" properties. Missing '{missing[0]}'.",
            param,
        )
