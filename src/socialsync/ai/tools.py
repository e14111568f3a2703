"""Tools that a model may ask for, and the turns in which it does (OpenAI, "Function calling")."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError

from socialsync.ai.errors import AnswerUnusable


@dataclass(frozen=True)
class Tool:
    """``shape``: of its arguments."""

    name: str
    description: str
    shape: type[BaseModel]


@dataclass(frozen=True)
class ToolCall:
    """What a model wants: ``arguments`` have the tool's shape."""

    id: str
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Message:
    """One turn of a conversation with a model.

    Args:
        role: ``system``, ``user``, ``assistant`` or ``tool``.
        calls: of an assistant that asked for tools.
        call_id: of a tool's answer: what it answers.
        images: URLs of pictures that belong to it, which the model's server fetches.
    """

    role: str
    content: str
    calls: Sequence[ToolCall] = field(default_factory=tuple)
    call_id: str | None = None
    images: Sequence[str] = ()


@dataclass(frozen=True)
class Act:
    """What a model does next: it speaks, or asks for tools."""

    text: str
    calls: Sequence[ToolCall]


def as_sent(message: Message) -> dict[str, Any]:
    sent: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.images:
        sent["content"] = [
            {"type": "text", "text": message.content},
            *({"type": "image_url", "image_url": {"url": url, "detail": "low"}} for url in message.images),
        ]
    if message.call_id is not None:
        sent["tool_call_id"] = message.call_id
    if message.calls:
        sent["content"] = message.content or None
        sent["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(call.arguments, ensure_ascii=False)},
            }
            for call in message.calls
        ]
    return sent


def calls_in(answer: Any, tools: Sequence[Tool]) -> list[ToolCall]:
    """
    Raises:
        AnswerUnusable: a tool that there is not, or arguments of another shape.
    """
    shapes = {tool.name: tool.shape for tool in tools}
    found = []
    for call in answer["choices"][0]["message"].get("tool_calls") or []:
        name = call["function"]["name"]
        if name not in shapes:
            raise AnswerUnusable("The model asks for a tool that there is not.")
        try:
            given = (call["function"].get("arguments") or "{}").replace("\\u0000", "")  # Postgres takes none
            arguments = shapes[name].model_validate_json(given)
        except ValidationError:
            raise AnswerUnusable("The model asks for a tool with arguments of another form.") from None
        found.append(ToolCall(call["id"], name, arguments.model_dump(mode="json")))
    return found
