"""``POST /v1/chat/completions`` (OpenAI's API reference, "Create chat completion")."""

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from socialsync.simulator.openai import forms, turns
from socialsync.simulator.openai.call import Answer, Call, cut, event
from socialsync.simulator.openai.errors import invalid, too_long
from socialsync.simulator.openai.mind.prompt import Turn, read_prompt
from socialsync.simulator.openai.mind.reply import Reply, reply
from socialsync.simulator.openai.naming import tokens_in, tokens_of_turns

MOST_TOKENS = 128_000
_MOST_CHOICES = 8
_PIECE = re.compile(r"\s*\S{1,16}\s*")
_KNOWN = frozenset({
    "audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs", "metadata", "model",
    "max_completion_tokens", "max_tokens", "messages", "modalities", "moderation", "n", "parallel_tool_calls",
    "prediction", "presence_penalty", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention",
    "reasoning_effort", "response_format", "safety_identifier", "seed", "service_tier", "stop", "store",
    "stream", "stream_options", "temperature", "tool_choice", "tools", "top_logprobs", "top_p", "user",
    "verbosity", "web_search_options",
})  # fmt: skip


def complete(call: Call) -> Answer:
    if unknown := sorted(call.body.keys() - _KNOWN):
        raise invalid(f"Unrecognized request argument supplied: {unknown[0]}")
    model = call.model()
    said = turns.read_messages(call.items("messages"))
    _check_numbers(call)
    answer = think(call, said)
    text, cut_short = limited(
        answer.text,
        call.whole("max_completion_tokens", 1, MOST_TOKENS) or call.whole("max_tokens", 1, MOST_TOKENS),
    )
    text, stopped = _stopped(text, call.body.get("stop"))
    calls = [
        {
            "id": call.names.tool_call(),
            "type": "function",
            "function": {"name": c.name, "arguments": c.arguments},
        }
        for c in answer.calls
    ]
    reason = "tool_calls" if calls else "length" if cut_short and not stopped else "stop"
    message: dict[str, Any] = {
        "role": "assistant",
        "content": None if calls else text,
        "refusal": None,
        "annotations": [],
    }
    if calls:
        message["tool_calls"] = calls
    count = call.whole("n", 1, _MOST_CHOICES) or 1
    name = call.names.completion()
    content: dict[str, Any] = {
        "id": name,
        "object": "chat.completion",
        "created": call.now,
        "model": model,
        "choices": [
            {"index": n, "message": message, "logprobs": None, "finish_reason": reason} for n in range(count)
        ],
        "usage": _usage(tokens_of_turns(turn.text for turn in said), count * tokens_of_reply(text, answer)),
        "service_tier": "default",
        "system_fingerprint": "fp_simulator",
    }
    kept = {**kept_of(call, model, said, text, answer), "usage": content["usage"]}
    tells_usage = bool(call.mapping("stream_options").get("include_usage"))
    return Answer(
        name, content, kept, _malformed(content), lambda shown: _events(shown, tells_usage=tells_usage)
    )


def think(call: Call, said: Sequence[Turn], form_at: str = "response_format") -> Reply:
    """
    Raises:
        OpenAIError: too long, or a form or a tool that is none.
    """
    told = "\n".join(turn.text for turn in said)
    tokens = tokens_of_turns(turn.text for turn in said)
    if tokens > MOST_TOKENS:
        raise too_long(MOST_TOKENS, tokens, "messages")
    given = call.mapping(form_at)
    form = forms.read_form(given.get("format") or {} if form_at == "text" else given, form_at, told)
    tools, forced = forms.read_choice(call.body.get("tool_choice"), forms.read_tools(call.items("tools")))
    return reply(read_prompt(said), form=form, tools=tools, forced=forced)


def kept_of(call: Call, model: str, said: Sequence[Turn], text: str, answer: Reply) -> dict[str, Any]:
    """What the ledger keeps of a call."""
    return {
        "model": model,
        "messages": turns.kept(said),
        "answer": cut(text),
        "tools": [tool.name for tool in forms.read_tools(call.items("tools"))],
        "tool_calls": [{"name": each.name, "arguments": each.arguments} for each in answer.calls],
        "stream": call.flag("stream"),
    }


def limited(text: str, most: int | None) -> tuple[str, bool]:
    """The text within so many tokens, and whether that cut it short."""
    if most is None or tokens_in(text) <= most:
        return text, False
    return text.encode()[: most * 4].decode(errors="ignore"), True


def tokens_of_reply(text: str, answer: Reply) -> int:
    return max(1, tokens_in(text) + sum(tokens_in(each.name + each.arguments) + 4 for each in answer.calls))


def pieces(text: str) -> list[str]:
    """A text as it streams: by words, about."""
    return _PIECE.findall(text) or ([text] if text else [])


def half(text: str | None) -> str:
    return (text or "")[: len(text or "") // 2]


def _check_numbers(call: Call) -> None:
    call.number("temperature", 0, 2)
    call.number("top_p", 0, 1)
    call.number("presence_penalty", -2, 2)
    call.number("frequency_penalty", -2, 2)
    if call.body.get("stream_options") is not None and not call.flag("stream"):
        raise invalid(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options"
        )


def _stopped(text: str, stop: Any) -> tuple[str, bool]:
    ends = [stop] if isinstance(stop, str) else [each for each in stop or [] if isinstance(each, str)]
    found = [at for each in ends if each and (at := text.find(each)) >= 0]
    return (text[: min(found)], True) if found else (text, False)


def _usage(prompt: int, completion: int) -> Mapping[str, Any]:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _malformed(content: Mapping[str, Any]) -> Mapping[str, Any]:
    spoilt = copy.deepcopy(dict(content))
    for choice in spoilt["choices"]:
        message = choice["message"]
        message["content"] = half(message["content"]) if message["content"] is not None else None
        for each in message.get("tool_calls", []):
            each["function"]["arguments"] = half(each["function"]["arguments"])
    return spoilt


def _events(content: Mapping[str, Any], *, tells_usage: bool) -> Iterator[str]:
    head = {
        **{name: content[name] for name in ("id", "created", "model", "service_tier", "system_fingerprint")}
    }
    head |= {"object": "chat.completion.chunk"}

    def chunk(index: int, delta: Mapping[str, Any], reason: str | None = None) -> str:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": reason}
        return event({**head, "choices": [choice], **({"usage": None} if tells_usage else {})})

    for choice in content["choices"]:
        index, message = choice["index"], choice["message"]
        calls = message.get("tool_calls", [])
        yield chunk(index, {"role": "assistant", "content": None if calls else "", "refusal": None})
        for piece in pieces(message["content"] or ""):
            yield chunk(index, {"content": piece})
        for at, each in enumerate(calls):
            function = {"name": each["function"]["name"], "arguments": ""}
            yield chunk(index, {"tool_calls": [{**each, "index": at, "function": function}]})
            for piece in pieces(each["function"]["arguments"]):
                yield chunk(index, {"tool_calls": [{"index": at, "function": {"arguments": piece}}]})
        yield chunk(index, {}, choice["finish_reason"])
    if tells_usage:
        yield event({**head, "choices": [], "usage": content["usage"]})
    yield "data: [DONE]\n\n"
