"""``/{version}/...``: every call to Graph passes here, and here is where faults hit."""

import asyncio
import math
import re
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse, Response

from socialsync.simulator.faults import Fault, Moment, specs
from socialsync.simulator.graph.access import require_token
from socialsync.simulator.graph.call import Call, Operation, read_call
from socialsync.simulator.graph.errors import GraphError, graph_error
from socialsync.simulator.graph.instagram import tokens
from socialsync.simulator.graph.routes import find_operation
from socialsync.simulator.graph.usage import Used, usage_headers
from socialsync.simulator.kinds import Kind
from socialsync.simulator.wire import HungUp
from socialsync.simulator.world import Stage, World

_VERSION = re.compile(r"v[0-9]+\.[0-9]+")
_OLDEST_VERSION = "v21.0"
"""What a call without a version is taken for."""
_LIMIT_CODES = {"instagram": 80002, "whatsapp": 130429}
_STATUS_CODES = {429: 4, 503: 2}
_HEARD_WITHIN_S = 5.0
"""How long an answer waits for a webhook that was ordered to come before it."""


def graph_door(stage: Stage) -> APIRouter:
    door = APIRouter()

    @door.get(f"/{tokens.NODE}")
    async def without_version(request: Request) -> Response:
        return await graph(request, _OLDEST_VERSION, tokens.NODE)

    @door.api_route("/{version}/{path:path}", methods=["GET", "POST", "DELETE"])
    async def graph(request: Request, version: str, path: str) -> Response:
        if not _VERSION.fullmatch(version):
            raise HTTPException(404, "No such path, or not by this method. GET /_sim/ tells what there is.")
        world = stage.world
        try:
            call = await read_call(request, version, path)
            operation = find_operation(call, world)
        except GraphError as refusal:
            world.ledger.count(Kind.UNKNOWN, str(refusal.status))
            return JSONResponse(refusal.body(world.ids.trace()), refusal.status)
        call = replace(call, kind=operation.kind, account=operation.account)
        answer = await _Exchange(request, call, operation, world).answer()
        world.ledger.count(call.kind, "none" if isinstance(answer, HungUp) else str(answer.status_code))
        return answer

    return door


class _Exchange:
    """A call and its answer, with everything that goes wrong in between."""

    def __init__(self, request: Request, call: Call, operation: Operation, world: World) -> None:
        self._request = request
        self._call = call
        self._operation = operation
        self._world = world
        self._slowed = False

    async def answer(self) -> Response:
        effects = self._world.ledger.effects
        try:
            if early := await self._suffer(Moment.BEFORE):
                return early
            require_token(self._call)
            already = len(effects)
            content = self._operation.run(self._call, self._world)
            happened = effects[already:]
            self._slowed |= await self._world.webhooks.rush(_HEARD_WITHIN_S)
        except GraphError as refusal:
            return self._refused(refusal)
        except asyncio.CancelledError:  # the simulator stops
            return HungUp()
        late = await self._suffer(Moment.AFTER)
        lost = late is not None or (self._slowed and await self._request.is_disconnected())
        for effect in happened:
            effect.answer_lost = lost
        return late or self._json(content)

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
                return self._spoilt(fault)
        return None

    def _spoilt(self, fault: Fault) -> Response:
        match fault:
            case specs.LostAnswer() | specs.Drop():
                return HungUp()
            case specs.StatusAnswer():
                return self._status(fault)
            case specs.ErrorAnswer():
                return self._refused(_ordered_error(fault), fault.headers)
            case specs.RetryAfter():
                return self._limited(fault)
            case specs.RevokeToken():
                return self._refused(graph_error(190, fault.subcode))
            case _:
                raise TypeError(f"{fault.action} is no answer")

    def _status(self, fault: specs.StatusAnswer) -> Response:
        if isinstance(fault.body, str):
            headers = {"content-type": "text/html; charset=utf-8", **fault.headers}
            return Response(fault.body, fault.status, headers)
        if fault.body is not None:
            return self._json(fault.body, fault.status, fault.headers)
        code = _STATUS_CODES.get(fault.status, 1 if fault.status >= 500 else 100)  # noqa: PLR2004 - HTTP's classes
        return self._refused(graph_error(code, status=fault.status), fault.headers)

    def _limited(self, fault: specs.RetryAfter) -> Response:
        code = fault.code if fault.code is not None else _LIMIT_CODES.get(self._call.kind.platform, 4)
        refusal = graph_error(code, status=fault.status)
        used = Used(100, 100, 100, math.ceil(fault.retry_after_s / 60))
        headers = usage_headers(self._call, used) | {"Retry-After": str(fault.retry_after_s)}
        return self._refused(refusal, headers)

    def _refused(self, refusal: GraphError, headers: dict[str, str] | None = None) -> Response:
        challenge = {}
        if refusal.status == 401:  # noqa: PLR2004 - HTTP's number
            challenge = {"WWW-Authenticate": 'OAuth "Facebook Platform" "invalid_token"'}
        body = refusal.body(self._world.ids.trace())
        return self._json(body, refusal.status, {**challenge, **(headers or {})})

    def _json(
        self, content: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None
    ) -> JSONResponse:
        used = Used()
        for fault in self._world.faults.take(Moment.USAGE, self._call):
            if isinstance(fault, specs.Usage):
                used = Used(
                    fault.call_count,
                    fault.total_time,
                    fault.total_cputime,
                    fault.estimated_time_to_regain_access,
                )
        return JSONResponse(content, status, {**usage_headers(self._call, used), **(headers or {})})


def _ordered_error(fault: specs.ErrorAnswer) -> GraphError:
    return graph_error(
        fault.code,
        fault.subcode,
        message=fault.message,
        status=fault.http_status,
        details=fault.details,
        type=fault.type,
        is_transient=fault.is_transient,
        error_user_title=fault.user_title,
        error_user_msg=fault.user_msg,
    )
