"""``POST /v1/responses`` (OpenAI's API reference, "Create a model response"). Nothing is stored: a
``previous_response_id`` is of no one.
"""

import copy
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from socialsync.simulator.openai import chat, turns
from socialsync.simulator.openai.call import Answer, Call, event
from socialsync.simulator.openai.errors import OpenAIError
from socialsync.simulator.openai.naming import tokens_of_turns


def respond(call: Call) -> Answer:
    model = call.model()
    if previous := call.text("previous_response_id"):
        raise OpenAIError(
            400,
            f"Previous response with id '{previous}' not found.",
            param="previous_response_id",
            code="previous_response_not_found",
        )
    call.number("temperature", 0, 2)
    said = turns.read_input(call.body.get("input"), call.text("instructions"))
    answer = chat.think(call, said, "text")
    most = call.whole("max_output_tokens", 1, chat.MOST_TOKENS)
    text, cut_short = chat.limited(answer.text, most)
    output = [_call_item(call, each.name, each.arguments) for each in answer.calls] or [
        _message(call, text, "incomplete" if cut_short else "completed")
    ]
    asked, told = tokens_of_turns(turn.text for turn in said), chat.tokens_of_reply(text, answer)
    usage = {
        "input_tokens": asked,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": told,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": asked + told,
    }
    content = {**_frame(call, model), "output": output, "usage": usage}
    content |= {"status": "incomplete" if cut_short else "completed", "completed_at": call.now}
    if cut_short:
        content["incomplete_details"] = {"reason": "max_output_tokens"}
    kept = {**chat.kept_of(call, model, said, text, answer), "usage": usage}
    return Answer(content["id"], content, kept, _malformed(content), _events)


def _frame(call: Call, model: str) -> dict[str, Any]:
    """All that an answer has beside its output."""
    return {
        "id": call.names.response(),
        "object": "response",
        "created_at": call.now,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": call.text("instructions"),
        "max_output_tokens": call.body.get("max_output_tokens"),
        "metadata": call.mapping("metadata"),
        "model": model,
        "output": [],
        "parallel_tool_calls": call.body.get("parallel_tool_calls", True),
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "store": call.body.get("store", True),
        "temperature": call.body.get("temperature", 1.0),
        "text": call.body.get("text") or {"format": {"type": "text"}},
        "tool_choice": call.body.get("tool_choice") or "auto",
        "tools": call.items("tools"),
        "top_p": call.body.get("top_p", 1.0),
        "truncation": "disabled",
        "usage": None,
        "user": None,
    }


def _message(call: Call, text: str, status: str) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {
        "id": call.names.message(),
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": [part],
    }


def _call_item(call: Call, name: str, arguments: str) -> dict[str, Any]:
    return {
        "id": call.names.call_item(),
        "type": "function_call",
        "status": "completed",
        "call_id": call.names.tool_call(),
        "name": name,
        "arguments": arguments,
    }


def _malformed(content: Mapping[str, Any]) -> Mapping[str, Any]:
    spoilt = copy.deepcopy(dict(content))
    for item in spoilt["output"]:
        if "arguments" in item:
            item["arguments"] = chat.half(item["arguments"])
        for part in item.get("content", []):
            part["text"] = chat.half(part["text"])
    return spoilt


def _events(content: Mapping[str, Any]) -> Iterator[str]:
    numbers = itertools.count()

    def say(kind: str, /, **data: Any) -> str:
        return event({"type": kind, "sequence_number": next(numbers), **data}, kind)

    begun = {**content, "status": "in_progress", "output": [], "usage": None, "completed_at": None}
    yield say("response.created", response=begun)
    yield say("response.in_progress", response=begun)
    for at, item in enumerate(content["output"]):
        where = {"item_id": item["id"], "output_index": at}
        if item["type"] == "function_call":
            empty = {**item, "status": "in_progress", "arguments": ""}
            yield say("response.output_item.added", output_index=at, item=empty)
            for piece in chat.pieces(item["arguments"]):
                yield say("response.function_call_arguments.delta", **where, delta=piece)
            arguments = item["arguments"]
            yield say(
                "response.function_call_arguments.done", **where, name=item["name"], arguments=arguments
            )
        else:
            empty = {**item, "status": "in_progress", "content": []}
            yield say("response.output_item.added", output_index=at, item=empty)
            for index, part in enumerate(item["content"]):
                here = {**where, "content_index": index}
                yield say("response.content_part.added", **here, part={**part, "text": ""})
                for piece in chat.pieces(part["text"]):
                    yield say("response.output_text.delta", **here, delta=piece, logprobs=[])
                yield say("response.output_text.done", **here, text=part["text"], logprobs=[])
                yield say("response.content_part.done", **here, part=part)
        yield say("response.output_item.done", output_index=at, item=item)
    yield say(f"response.{content['status']}", response=content)
