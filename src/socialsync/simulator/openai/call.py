"""A call to ``/v1``, read: by whom, of what kind, with what, and the answer that is being made."""

import hashlib
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fastapi import Request

from socialsync.simulator.kinds import Kind
from socialsync.simulator.openai.errors import invalid, no_key, no_model, wrong_key
from socialsync.simulator.openai.naming import Names

T = TypeVar("T")

LONGEST_KEPT_TEXT = 20_000
_UNKNOWN_MODELS = ("missing", "no-such", "unknown")


@dataclass(frozen=True, slots=True)
class Call:
    """Satisfies `faults.Seen`. ``account`` is made of the key, which itself is never kept."""

    method: str
    path: str
    kind: Kind
    account: str
    token: str | None
    body: Mapping[str, Any]
    names: Names
    now: int

    def model(self) -> str:
        """
        Raises:
            OpenAIError: none was named, or one that says of itself that it does not exist.
        """
        model = self.text("model")
        if not model:
            raise invalid("you must provide a model parameter")
        if model.startswith(_UNKNOWN_MODELS):
            raise no_model(model)
        return model

    def text(self, name: str) -> str | None:
        return self._of_type(name, str, "a string")

    def flag(self, name: str) -> bool:
        return self._of_type(name, bool, "a boolean") or False

    def mapping(self, name: str) -> Mapping[str, Any]:
        return self._of_type(name, dict, "an object") or {}

    def items(self, name: str) -> list[Any]:
        return self._of_type(name, list, "an array") or []

    def whole(self, name: str, least: int, most: int) -> int | None:
        value = self._of_type(name, int, "an integer")
        if value is not None and (isinstance(value, bool) or not least <= value <= most):
            code = "integer_below_min_value" if value < least else "integer_above_max_value"
            raise invalid(
                f"Invalid '{name}': expected a value from {least} to {most}, but got {value}.", name, code
            )
        return value

    def number(self, name: str, least: float, most: float) -> float | None:
        value = self.body.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise invalid(f"Invalid type for '{name}': expected a number.", name, "invalid_type")
        if not least <= value <= most:
            raise invalid(
                f"Invalid '{name}': expected a value from {least} to {most}, but got {value}.", name
            )
        return float(value)

    def _of_type(self, name: str, wanted: type[T], called: str) -> T | None:
        value = self.body.get(name)
        if value is not None and not isinstance(value, wanted):
            raise invalid(f"Invalid type for '{name}': expected {called}.", name, "invalid_type")
        return value


@dataclass(slots=True)
class Answer:
    """What a call is answered with.

    Args:
        content: the answer's JSON.
        kept: what the ledger keeps of the call.
        id: by which the ledger and the answer name it.
        events: the same in pieces, when it was asked for as a stream: each is one event's text.
        malformed: the content as a model that goes astray would give it.
    """

    id: str
    content: Mapping[str, Any]
    kept: Mapping[str, Any]
    malformed: Mapping[str, Any]
    events: Callable[[Mapping[str, Any]], Iterable[str]] | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """What a call does. ``run`` is pure but for the names it gives; it may run in a thread."""

    kind: Kind
    run: Callable[[Call], Answer]
    is_kept: bool = True


@dataclass(frozen=True, slots=True)
class Stream:
    """Server-sent events, as they leave."""

    events: Iterable[str] = field(default_factory=list)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for event in self.events:
            yield event.encode()


def token_of(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def account_of(request: Request, token: str | None) -> str:
    """The organisation that was named, else one made up of the key."""
    named = request.headers.get("openai-organization")
    return named or f"org-{hashlib.sha256((token or '').encode()).hexdigest()[:24]}"


def require_key(token: str | None) -> None:
    """Any key is good but one that starts with ``revoked``.

    Raises:
        OpenAIError: 401.
    """
    if not token:
        raise no_key()
    if token.startswith("revoked"):
        raise wrong_key(token)


async def read_body(request: Request) -> Mapping[str, Any]:
    """
    Raises:
        OpenAIError: not a JSON object.
    """
    raw = await request.body()
    if request.method == "GET" or not raw:
        return {}
    try:
        body = json.loads(raw)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise invalid(
            "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your"
            " HTTP library correctly. The OpenAI API expects a JSON payload.)"
        )
    return body


def cut(text: str) -> str:
    return text[:LONGEST_KEPT_TEXT]


def event(data: Mapping[str, Any], name: str | None = None) -> str:
    """One server-sent event."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n"
