"""The one door to models: any server that speaks OpenAI's API.

Each call is written into the ledger before it leaves and after it has ended, in transactions of their own;
none is open while the network is. Nothing is tried again here: errors say their kind, and policies decide.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from socialsync import clock, later, telemetry
from socialsync.ai import faults, ledger
from socialsync.ai.errors import AiError, AnswerUnusable
from socialsync.ai.ledger import Kind, Spender, Used
from socialsync.ai.library import openai
from socialsync.ai.prices import PRICES, Price
from socialsync.ai.tools import Act, Message, Tool, as_sent, calls_in
from socialsync.ai.vectors import DIMENSIONS, read_vectors
from socialsync.db.transaction import Database

T = TypeVar("T")
Shape = TypeVar("Shape", bound=BaseModel)

MOST_TEXTS: Final = 256
"""Texts of one embedding call; OpenAI takes 2,048 and 300,000 tokens in all."""
TIMEOUT_S: Final = 60.0
MODERATION_MODEL: Final = "omni-moderation-latest"

log = telemetry.get_logger(__name__)


@dataclass(frozen=True)
class Models:
    """Where models live and what they are called.

    Args:
        base_url, api_key: of the chat model and of moderation.
        embedding_base_url, embedding_api_key: of embeddings, where they live elsewhere.
        prices: what the ledger reckons with.
    """

    base_url: str
    api_key: str = field(repr=False)
    chat: str
    embedding: str
    embedding_base_url: str | None = None
    embedding_api_key: str | None = field(default=None, repr=False)
    timeout_s: float = TIMEOUT_S
    prices: Mapping[str, Price] = field(default_factory=lambda: PRICES)


@dataclass(frozen=True)
class Moderation:
    """What moderation says of a text: the categories it is flagged for, ``self-harm/intent`` among them, and
    every category's score from 0 to 1.
    """

    flagged: frozenset[str]
    scores: Mapping[str, float]


class Ai:
    """Calls to models. Without credentials in the environment they go to the simulator.

    Args:
        database: where the ledger is kept.
        models: see there.
    """

    def __init__(self, database: Database, models: Models) -> None:
        self._database = database
        self.models = models
        self._chat = _open(models.base_url, models.api_key, models.timeout_s)
        self._embeddings = _open(
            models.embedding_base_url or models.base_url,
            models.embedding_api_key or models.api_key,
            models.timeout_s,
        )

    async def close(self) -> None:
        for opened in (self._chat, self._embeddings):
            await opened.close()

    async def embed(self, spender: Spender, texts: Sequence[str]) -> list[Sequence[float]]:
        """One vector a text, in their order: ``DIMENSIONS`` numbers of length 1. ``MOST_TEXTS`` at most.
        They come as bytes where the server can, which is several times as fast.

        Raises:
            AiError: see ``ai.errors``.
        """
        if not texts:
            return []
        model = self.models.embedding
        given: dict[str, Any] = {"model": model, "input": list(texts), "encoding_format": "base64"}
        if model.startswith("text-embedding-3-large"):
            given["dimensions"] = DIMENSIONS

        async def call() -> tuple[list[Sequence[float]], Used]:
            answer = await self._embeddings.ask("/embeddings", given)
            used = _used(answer, model)
            try:
                return await read_vectors(answer["data"], len(texts)), used
            except AiError as error:
                raise faults.paid(error, used) from None

        return await self._paid(spender, "embedding", model, call)

    async def write(
        self,
        spender: Spender,
        messages: Sequence[Message],
        *,
        temperature: float = 0.2,
        most_tokens: int = 1_000,
    ) -> str:
        """A text that goes on from these messages.

        Raises:
            AiError: see ``ai.errors``.
        """

        async def call() -> tuple[str, Used]:
            answer = await self._complete(messages, temperature=temperature, max_tokens=most_tokens)
            return _content(answer), _used(answer, self.models.chat)

        return await self._paid(spender, "chat", self.models.chat, call)

    async def decide(
        self, spender: Spender, messages: Sequence[Message], shape: type[Shape], *, temperature: float = 0.0
    ) -> Shape:
        """An answer of this shape (OpenAI, "Structured Outputs").

        Raises:
            AnswerUnusable: the model answered otherwise.
            AiError: see ``ai.errors``.
        """
        form = {
            "type": "json_schema",
            "json_schema": {"name": shape.__name__, "strict": True, "schema": strict_schema(shape)},
        }

        async def call() -> tuple[Shape, Used]:
            answer = await self._complete(messages, temperature=temperature, response_format=form)
            used = _used(answer, self.models.chat)
            try:
                return shape.model_validate_json(_bare(_content(answer))), used
            except ValidationError:
                raise faults.paid(
                    AnswerUnusable("The model's answer does not have the form that was asked for."), used
                ) from None

        return await self._paid(spender, "chat", self.models.chat, call)

    async def act(
        self, spender: Spender, messages: Sequence[Message], tools: Sequence[Tool], *, must: str | None = None
    ) -> Act:
        """What the model does next with these tools at hand; ``must`` names one that it has to use.

        Raises:
            AnswerUnusable: it says nothing, or asks for what there is not.
            AiError: see ``ai.errors``.
        """
        forms = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": strict_schema(tool.shape),
                    "strict": True,
                },
            }
            for tool in tools
        ]
        choice: Any = {"type": "function", "function": {"name": must}} if must else "auto"

        async def call() -> tuple[Act, Used]:
            answer = await self._complete(messages, temperature=0.2, tools=forms, tool_choice=choice)
            used = _used(answer, self.models.chat)
            try:
                calls = calls_in(answer, tools) if answer.get("choices") else []
            except AnswerUnusable as error:
                raise faults.paid(error, used) from None
            return Act("" if calls else _content(answer), calls), used

        return await self._paid(spender, "chat", self.models.chat, call)

    async def moderate(self, spender: Spender, text: str) -> Moderation:
        """What moderation says of a text.

        Raises:
            AiError: see ``ai.errors``. Whoever calls must then fail closed.
        """

        async def call() -> tuple[Moderation, Used]:
            answer = await self._chat.ask("/moderations", {"model": MODERATION_MODEL, "input": text})
            if not answer.get("results"):
                raise AnswerUnusable("Moderation answered without a result.")
            result = answer["results"][0]
            flags, scores = result.get("categories") or {}, result.get("category_scores") or {}
            flagged = frozenset(name for name, is_so in flags.items() if is_so)
            return Moderation(flagged, {n: float(s) for n, s in scores.items() if s is not None}), Used(
                MODERATION_MODEL
            )

        return await self._paid(spender, "moderation", MODERATION_MODEL, call)

    async def _complete(self, messages: Sequence[Message], **given: Any) -> Any:
        turns = [as_sent(message) for message in messages]
        asked = {"model": self.models.chat, "messages": turns, **given}
        return await self._chat.ask("/chat/completions", asked)

    async def _paid(
        self, spender: Spender, kind: Kind, model: str, call: Callable[[], Awaitable[tuple[T, Used]]]
    ) -> T:
        async with self._database.brief(spender.workspace_id) as cursor:
            call_id = await ledger.begin(cursor, spender, kind, model, now=clock.now())
        used: Used | None = None
        answered = False
        problem: str | None = "Nobody waited any longer for the answer."
        try:
            result, used = await call()
            answered, problem = True, None
        except Exception as error:
            failure = faults.understood(error)
            used, problem = faults.cost_of(error), failure.message
            answered = faults.was_answered(error)
            log.warning(
                f"[AI] {kind} failed: {failure.code}", model=model, purpose=spender.purpose, problem=problem
            )
            if failure is error:
                raise
            raise failure from None  # what the library raises carries the request, and with it the key
        finally:
            await asyncio.shield(self._end(call_id, spender, used, problem, answered=answered))
        return result

    async def _end(
        self, call_id: Any, spender: Spender, used: Used | None, problem: str | None, *, answered: bool
    ) -> None:
        async with self._database.brief(spender.workspace_id) as cursor:
            await ledger.end(
                cursor,
                call_id,
                spender,
                used,
                problem,
                answered=answered,
                now=clock.now(),
                prices=self.models.prices,
            )


@asynccontextmanager
async def open_ai(database: Database, models: Models) -> AsyncIterator[Ai]:
    """The door, closed with the block. Connects at the first call."""
    ai = Ai(database, models)
    try:
        yield ai
    finally:
        await ai.close()


class _open:  # noqa: N801 - a call to whoever reads it
    """A client that is made when it is first asked for, since that imports the library."""

    def __init__(self, base_url: str, api_key: str, timeout_s: float) -> None:
        self._given: dict[str, Any] = {
            "base_url": base_url,
            "api_key": api_key,
            "timeout": timeout_s,
            "max_retries": 0,
        }
        self._client: Any = None
        self._making = asyncio.Lock()

    async def ask(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer as it came: the library's own types take longer to make than a call to the network."""
        answer: Any = await (await self._opened()).post(path, body=body, cast_to=object)
        found: dict[str, Any] = json.loads(answer) if isinstance(answer, str) else answer
        return found

    async def _opened(self) -> Any:
        """Made in a thread: the import takes a second, for which the loop would be deaf."""
        async with self._making:
            if self._client is None:
                with later.aside():
                    self._client = await asyncio.to_thread(lambda: openai.AsyncOpenAI(**self._given))
        return self._client

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()


@cache
def strict_schema(shape: type[BaseModel]) -> Mapping[str, Any]:
    """A shape's JSON schema as strict mode wants it: every property required, no others (OpenAI, "Structured
    Outputs, Supported schemas").
    """
    schema: dict[str, Any] = _strict(shape.model_json_schema())
    return schema


def _strict(node: Any) -> Any:
    if isinstance(node, list):
        return [_strict(each) for each in node]
    if not isinstance(node, dict):
        return node
    found = {name: _strict(value) for name, value in node.items() if name not in {"default", "title"}}
    if isinstance(found.get("properties"), dict):
        found |= {"required": list(found["properties"]), "additionalProperties": False}
    return found


def _content(answer: Any) -> str:
    choices = answer.get("choices")
    content = choices[0]["message"].get("content") if choices else None
    if not content or not content.strip():
        raise faults.paid(AnswerUnusable("The model answered with nothing."), _used(answer, ""))
    return str(content).replace("\x00", "").replace("\\u0000", "")  # Postgres takes neither


def _bare(content: str) -> str:
    """Without the fence that some models put around JSON."""
    text = content.strip()
    if text.startswith("```"):
        text = text.partition("\n")[2].rpartition("```")[0]
    return text


def _used(answer: Any, model: str) -> Used:
    """Not every server says everything; of embeddings there is no output."""
    usage = answer.get("usage") or {}
    spent = (usage.get(name) or 0 for name in ("prompt_tokens", "completion_tokens"))
    return Used(answer.get("model") or model, *spent)
