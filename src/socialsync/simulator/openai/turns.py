"""Messages, read into turns: as the chat and the Responses interface have them."""

from collections.abc import Sequence
from typing import Any

from socialsync.simulator.openai.call import cut
from socialsync.simulator.openai.errors import invalid
from socialsync.simulator.openai.mind.prompt import Turn

_ROLES = ("system", "developer", "user", "assistant", "tool", "function")
_TEXT_PARTS = ("text", "input_text", "output_text", "refusal")


def read_messages(given: Sequence[Any]) -> Sequence[Turn]:
    """
    Raises:
        OpenAIError: none, an unknown role, no content, or a tool's answer that nobody called for.
    """
    if not given:
        raise invalid(
            "Invalid 'messages': empty array. Expected an array with minimum length 1.",
            "messages",
            "empty_array",
        )
    turns = []
    called: set[str] = set()
    for at, message in enumerate(given):
        where = f"messages[{at}]"
        role = message.get("role") if isinstance(message, dict) else None
        if role not in _ROLES:
            raise invalid(
                f"Invalid value: '{role}'. Supported values are: {', '.join(map(repr, _ROLES))}.",
                f"{where}.role",
                "invalid_value",
            )
        if role == "tool" and message.get("tool_call_id") not in called:
            raise invalid(
                "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with"
                " 'tool_calls'.",
                f"{where}.role",
            )
        called |= {str(each.get("id")) for each in message.get("tool_calls") or [] if isinstance(each, dict)}
        if message.get("content") is None and not message.get("tool_calls"):
            raise invalid(
                f"Invalid value for 'content': expected a string, got null. ({where}.content)",
                f"{where}.content",
            )
        turns.append(Turn(_role(role), text_of(message.get("content"), f"{where}.content")))
    return turns


def read_input(given: Any, instructions: str | None) -> Sequence[Turn]:
    """The input of Responses: a text, or items.

    Raises:
        OpenAIError: neither, or an item that is none.
    """
    turns = [Turn("system", instructions)] if instructions else []
    if isinstance(given, str):
        return [*turns, Turn("user", given)]
    if not isinstance(given, list) or not given:
        raise invalid("Missing required parameter: 'input'.", "input", "missing_required_parameter")
    for at, item in enumerate(given):
        where = f"input[{at}]"
        match item:
            case {"type": "function_call_output", "output": output}:
                turns.append(Turn("tool", text_of(output, f"{where}.output")))
            case {"type": "function_call" | "reasoning" | "item_reference"}:
                continue
            case {"role": str(role), "content": content} if role in _ROLES:
                turns.append(Turn(_role(role), text_of(content, f"{where}.content")))
            case _:
                raise invalid(f"Invalid value: '{where}' is no input item.", where, "invalid_value")
    return turns


def text_of(content: Any, where: str) -> str:
    """A text, or the texts of an array's parts; pictures say nothing.

    Raises:
        OpenAIError: neither.
    """
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
        raise invalid(f"Invalid type for '{where}': expected a string or an array.", where, "invalid_type")
    return "\n".join(str(part.get("text") or "") for part in content if part.get("type") in _TEXT_PARTS)


def kept(turns: Sequence[Turn]) -> list[dict[str, str]]:
    """As the ledger keeps them."""
    return [{"role": turn.role, "content": cut(turn.text)} for turn in turns]


def _role(role: str) -> str:
    return {"developer": "system", "function": "tool"}.get(role, role)
