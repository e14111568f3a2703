"""Error kinds as RFC 9457 problem documents. Besides ``queue/policies.py`` nobody translates kinds.

A problem names the field as the caller spells it, what is wrong and what to do. It never repeats a rejected
value: it may be a secret.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import psycopg
import sqlalchemy.exc
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import override

from socialsync import errors, telemetry
from socialsync.api import validation
from socialsync.api.validation import Entry
from socialsync.db import away, sqlstates
from socialsync.errors import SocialSyncError

log = telemetry.get_logger(__name__)

STATUS: Mapping[type[SocialSyncError], HTTPStatus] = {
    errors.Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.Unauthenticated: HTTPStatus.UNAUTHORIZED,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.Refused: HTTPStatus.BAD_REQUEST,
    errors.Temporary: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.Failed: HTTPStatus.BAD_GATEWAY,
}
"""The first of these that an error is."""
MEDIA_TYPE = "application/problem+json"
_SOON = timedelta(seconds=2)
_ROUTER = {
    HTTPStatus.BAD_REQUEST: ("UnreadableBody", "The body cannot be read.", "Send JSON in UTF-8."),
    HTTPStatus.NOT_FOUND: ("NotFound", "There is nothing at this address.", "/docs lists every address."),
    HTTPStatus.METHOD_NOT_ALLOWED: (
        "MethodNotAllowed",
        "This address does not answer to this method.",
        "The Allow header lists the methods it does answer to.",
    ),
}
"""What the router and the reading of a body refuse: code, sentence, fix."""
_AWAY_READING = "The database is away or too busy. Try again."
_AWAY = (
    "The database is away or too busy; whether anything was changed is not known."
    " Try again: with the same Idempotency-Key nothing is created twice."
)


@dataclass(frozen=True)
class Problem:
    """An RFC 9457 problem.

    Args:
        detail: a sentence for a person.
        code: what a program branches on: the name of the error's state.
        entries: what exactly is wrong.
    """

    status: int
    code: str
    detail: str
    entries: Iterable[Entry] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


class ProblemResponse(Response):
    media_type = MEDIA_TYPE

    def __init__(self, problem: Problem, *, instance: str) -> None:
        self._document = {
            "type": "about:blank",
            "title": HTTPStatus(problem.status).phrase,
            "status": problem.status,
            "detail": problem.detail,
            "instance": instance,
            "code": problem.code,
            "errors": [entry.as_json() for entry in problem.entries],
        }
        super().__init__(self._document, status_code=problem.status, headers=dict(problem.headers))

    @override
    def render(self, content: Any) -> bytes:
        return json.dumps(content).encode()  # ASCII, because a field's name may hold what UTF-8 cannot


def install(app: FastAPI) -> None:
    """Let this app answer every error that has a meaning as a problem; the rest is for ``access``."""
    for kind in (
        SocialSyncError,
        RequestValidationError,
        HTTPException,
        sqlalchemy.exc.DBAPIError,
        sqlalchemy.exc.TimeoutError,
        psycopg.Error,
    ):
        app.add_exception_handler(kind, answer)


async def answer(request: Request, error: Exception) -> Response:
    """The problem document of an error; errors without a meaning are raised again."""
    problem = _problem(request, error)
    if problem is None:
        raise error
    return ProblemResponse(problem, instance=request.url.path)


def unexpected(request_id: str) -> Problem:
    """What the caller learns of a fault of ours: nothing but where to find it in the log."""
    return Problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "InternalError",
        f"This is a fault of SocialSync's. Its log tells more under the request id {request_id}.",
    )


def _problem(request: Request, error: Exception) -> Problem | None:
    match error:
        case SocialSyncError():
            return _of_kind(error)
        case RequestValidationError():
            found = error.errors()
            entries = validation.entries(found, content_type=request.headers.get("content-type"))
            detail = _summary(entries[0], more=len(found) - 1)
            return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "Invalid", detail, entries)
        case HTTPException():
            return _of_router(error)
        case sqlalchemy.exc.DataError() | psycopg.DataError():
            log.warning("postgres refused a value", sqlstate=sqlstates.sqlstate(error))
            return Problem(
                HTTPStatus.UNPROCESSABLE_ENTITY, "Invalid", "A value is not one that can be stored."
            )
        case _ if away.is_away(error):
            log.warning("database away", error=type(error).__name__, sqlstate=sqlstates.sqlstate(error))
            return Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "DatabaseAway",
                _AWAY_READING if request.method in {"GET", "HEAD"} else _AWAY,
                headers=_retry_after(_SOON),
            )
    return None


def _of_kind(error: SocialSyncError) -> Problem:
    status = next(status for kind, status in STATUS.items() if isinstance(error, kind))
    headers = {}
    if isinstance(error, errors.Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="SocialSync"'
    if isinstance(error, errors.Temporary):
        headers |= _retry_after(error.retry_after or _SOON)
    said_more = error.field is not None or error.fix is not None
    told = (error, *error.also) if said_more else ()
    entries = [Entry(each.field, each.message, each.fix) for each in told]
    detail = _summary(entries[0], more=len(error.also)) if error.also else error.message
    return Problem(status, error.code, detail, entries, headers)


def _of_router(error: HTTPException) -> Problem:
    headers = error.headers or {}
    if type(error) is HTTPException and (known := _ROUTER.get(HTTPStatus(error.status_code))):
        code, sentence, fix = known
        return Problem(error.status_code, code, sentence, [Entry(None, sentence, fix)], headers)
    return Problem(error.status_code, type(error).__name__, error.detail, (), headers)


def _summary(first: Entry, *, more: int) -> str:
    sentence = f"{first.field}: {first.problem}" if first.field else first.problem
    return f"{sentence} (and {more} more)" if more else sentence


def _retry_after(wait: timedelta) -> dict[str, str]:
    return {"Retry-After": str(max(1, math.ceil(wait.total_seconds())))}
