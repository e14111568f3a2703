"""Every call to ``/v1`` passes here, and here is where faults hit."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from socialsync.simulator.faults import Fault, Moment, specs
from socialsync.simulator.faults.models import InsufficientQuota, Malformed
from socialsync.simulator.kinds import Kind
from socialsync.simulator.openai import chat, embeddings, models, moderations, responses
from socialsync.simulator.openai.call import (
    Answer,
    Call,
    Operation,
    Stream,
    account_of,
    read_body,
    require_key,
    token_of,
)
from socialsync.simulator.openai.errors import OpenAIError, no_quota, of_status
from socialsync.simulator.openai.memory import Memory
from socialsync.simulator.openai.naming import Names
from socialsync.simulator.wire import HungUp
from socialsync.simulator.world import Stage, World

_OPERATIONS = {
    ("POST", "chat/completions"): Operation(Kind.OPENAI_CHAT, chat.complete),
    ("POST", "responses"): Operation(Kind.OPENAI_RESPONSE, responses.respond),
    ("POST", "embeddings"): Operation(Kind.OPENAI_EMBEDDING, embeddings.embed),
    ("POST", "moderations"): Operation(Kind.OPENAI_MODERATION, moderations.moderate),
    ("GET", "models"): Operation(Kind.OPENAI_MODELS, models.list_models, is_kept=False),
}
_ONE_MODEL = Operation(Kind.OPENAI_MODELS, models.show_model, is_kept=False)


def openai_door(stage: Stage) -> APIRouter:
    door = APIRouter()
    memory = Memory()
    names = Names(stage.world.setup.first_id)

    @door.api_route("/v1/{path:path}", methods=["GET", "POST", "DELETE"])
    async def openai(request: Request, path: str) -> Response:
        world = stage.world
        token = token_of(request)
        operation: Operation | None = None
        try:
            operation = _find(request.method, path)
            call = Call(
                method=request.method,
                path=request.url.path,
                kind=operation.kind,
                account=account_of(request, token),
                token=token,
                body=await read_body(request),
                names=names,
                now=int(world.now().timestamp()),
            )
            answer = await _Exchange(request, call, operation, world, memory).answer()
        except OpenAIError as refusal:
            answer = refused(refusal)
        kind = operation.kind if operation else Kind.UNKNOWN
        world.ledger.count(kind, "none" if isinstance(answer, HungUp) else str(answer.status_code))
        _sign(answer, names, account_of(request, token))
        return answer

    return door


def _find(method: str, path: str) -> Operation:
    if method == "GET" and path.startswith("models/"):
        return _ONE_MODEL
    if operation := _OPERATIONS.get((method, path)):
        return operation
    if any(path == known for _, known in _OPERATIONS):
        raise OpenAIError(
            405,
            f"Not allowed to {method} on /v1/{path}. (HINT: Perhaps you meant to use a different HTTP"
            " method?)",
        )
    raise OpenAIError(404, f"Invalid URL ({method} /v1/{path})")


class _Exchange:
    """A call and its answer, with everything that goes wrong in between."""

    def __init__(
        self, request: Request, call: Call, operation: Operation, world: World, memory: Memory
    ) -> None:
        self._request = request
        self._call = call
        self._operation = operation
        self._world = world
        self._memory = memory
        self._slowed = False

    async def answer(self) -> Response:
        """
        Raises:
            OpenAIError: the call is wrong, or a fault says so.
        """
        for moment in (Moment.BEFORE, Moment.QUOTA):
            if early := await self._suffer(moment):
                return early
        require_key(self._call.token)
        # In a thread, since a model's other callers don't wait for one that embeds a book
        made = await asyncio.to_thread(self._operation.run, self._call)
        effect = self._operation.is_kept and self._memory.keep(self._world.ledger, self._call, made)
        late = await self._suffer(Moment.AFTER)
        if effect:
            effect.answer_lost = late is not None or (self._slowed and await self._request.is_disconnected())
        return late or self._said(made)

    async def _suffer(self, moment: Moment) -> Response | None:
        """The answer that a fault gives instead, if one does."""
        for fault in self._world.faults.take(moment, self._call):
            if isinstance(fault, specs.Slow):
                self._slowed = True
                try:
                    await asyncio.sleep(fault.delay_s)
                except asyncio.CancelledError:  # the simulator stops, which is no error of the call
                    return HungUp()
            else:
                return _spoilt(fault)
        return None

    def _said(self, made: Answer) -> Response:
        content: Mapping[str, Any] = made.content
        whole = True
        for fault in self._world.faults.take(Moment.ANSWER, self._call):
            if isinstance(fault, Malformed):
                content, whole = (made.malformed, True) if fault.how == "content" else (content, False)
        if made.events and self._call.body.get("stream"):
            events = list(made.events(content))
            stream = Stream(events if whole else events[: len(events) // 2])
            return StreamingResponse(stream, media_type="text/event-stream; charset=utf-8")
        if whole:
            return JSONResponse(content)
        text = json.dumps(content)
        return Response(text[: len(text) // 2], media_type="application/json")


def _spoilt(fault: Fault) -> Response:
    match fault:
        case specs.LostAnswer() | specs.Drop():
            return HungUp()
        case specs.StatusAnswer():
            return _status(fault)
        case specs.ErrorAnswer():
            message = fault.message or "The request was refused."
            type_ = fault.type or "invalid_request_error"
            said = OpenAIError(fault.http_status or 400, message, type_, code=str(fault.code))
            return refused(said, fault.headers)
        case specs.RetryAfter():
            return refused(of_status(fault.status), {"Retry-After": str(fault.retry_after_s)})
        case specs.RevokeToken():
            return refused(of_status(401))
        case InsufficientQuota():
            return refused(no_quota())
        case _:
            raise TypeError(f"{fault.action} is no answer")


def _status(fault: specs.StatusAnswer) -> Response:
    if isinstance(fault.body, str):
        headers = {"content-type": "text/html; charset=utf-8", **fault.headers}
        return Response(fault.body, fault.status, headers)
    if fault.body is not None:
        return JSONResponse(fault.body, fault.status, fault.headers)
    return refused(of_status(fault.status), fault.headers)


def refused(refusal: OpenAIError, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse(refusal.body(), refusal.status, dict(headers or {}))


def _sign(answer: Response, names: Names, account: str) -> None:
    if isinstance(answer, HungUp):
        return
    for name, value in {
        "x-request-id": names.request(),
        "openai-organization": account,
        "openai-processing-ms": "1",
        "openai-version": "2020-10-01",
    }.items():
        answer.headers.setdefault(name, value)
