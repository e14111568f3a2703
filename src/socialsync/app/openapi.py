"""What ``/openapi.json`` says beyond what FastAPI derives: the rooms, and problem documents for errors."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from typing_extensions import override

from socialsync.api.callers import WORKSPACE_HEADER
from socialsync.api.errors import MEDIA_TYPE

DESCRIPTION = f"""
Publishes scheduled posts, answers direct messages and moderates comments for WhatsApp and Instagram.

* **Sign in** with *Authorize*, or send `Authorization: Bearer <api key>`. A workspace's key sees its
  workspace. An installation key sees the whole installation, and one workspace when the header
  `{WORKSPACE_HEADER}` names it.
* **Roles**: a `viewer` reads, an `operator` also works, an `admin` also changes the workspace.
* **Errors** are problem documents (RFC 9457): branch on `code`; `errors` names each field, what is wrong with
  it and what to do.
* **Repeat safely**: with an `Idempotency-Key`, a POST that creates does so once, however often it is sent.
* **Lists** come in pages: give `next_cursor` back as `cursor` until it is null.
* **Times** are ISO 8601 with an offset; a time without one is refused.
"""

TAGS = [
    {"name": "workspace", "description": "The settings of the workspace that the key belongs to."},
    {"name": "channels", "description": "WhatsApp numbers and Instagram accounts."},
    {"name": "posts", "description": "What is published, when, and how it went."},
    {"name": "conversations", "description": "What is said with whom, and who has the floor."},
    {"name": "decisions", "description": "Rules, and what was decided of messages and comments, and why."},
    {"name": "comments", "description": "What people write under posts, what was decided, and our replies."},
    {"name": "escalations", "description": "What a person must see: until when, and who looks after it."},
    {"name": "messages", "description": "People, what became of a message, and the files of messages."},
    {"name": "knowledge", "description": "Documents and FAQ entries; search, and answers that rest on them."},
    {"name": "webhooks", "description": "Where Meta knocks. Needs no key: Meta signs what it sends."},
    {"name": "jobs", "description": "What is worked on: every job, what happened to it and what came of it."},
    {"name": "queues", "description": "Pause, resume, purge. Needs an installation key."},
    {"name": "schedules", "description": "What is deferred again and again. Needs an installation key."},
    {"name": "workers", "description": "Who works, and how busy. Needs an installation key."},
    {"name": "health", "description": "For load balancers and whoever is on call. Needs no key."},
]
"""In the order of the page; a test sees to it that each tag that is used stands here."""

_TEXT = {"type": "string"}
_MAYBE_TEXT = {"anyOf": [{"type": "string"}, {"type": "null"}]}
_ENTRY = {"field": _MAYBE_TEXT, "problem": _TEXT, "fix": _MAYBE_TEXT}
_EXAMPLE: dict[str, Any] = {
    "type": "about:blank",
    "title": "Unprocessable Content",
    "status": 422,
    "detail": "publish_at: has no offset",
    "instance": "/api/v1/posts",
    "code": "Invalid",
    "errors": [
        {
            "field": "publish_at",
            "problem": "has no offset",
            "fix": "Add an offset, e.g. 2026-03-04T12:00:00+00:00.",
        }
    ],
}
PROBLEM: dict[str, Any] = {
    "title": "Problem",
    "description": "A problem document (RFC 9457).",
    "type": "object",
    "required": list(_EXAMPLE),
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": {**_TEXT, "description": "A sentence for a person."},
        "instance": {**_TEXT, "description": "The address that was asked."},
        "code": {**_TEXT, "description": "What a program branches on."},
        "errors": {
            "type": "array",
            "items": {"type": "object", "required": list(_ENTRY), "properties": _ENTRY},
        },
    },
    "examples": [_EXAMPLE],
}
_REPLACED = ("HTTPValidationError", "ValidationError")
"""FastAPI's own shapes of errors, which this API never sends."""


class DescribedApp(FastAPI):
    """FastAPI whose description tells of our errors."""

    @override
    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            schema = super().openapi()
            schemas: dict[str, Any] = schema.setdefault("components", {}).setdefault("schemas", {})
            for name in _REPLACED:
                schemas.pop(name, None)
            schemas["Problem"] = PROBLEM
            for path, operations in schema["paths"].items():
                for method, operation in operations.items():
                    _describe(path, method, operation)
        return self.openapi_schema or {}


def _describe(path: str, method: str, operation: dict[str, Any]) -> None:
    for parameter in operation.get("parameters", ()):
        parameter["schema"] = _without_null(parameter["schema"])
    responses = operation["responses"]
    responses.pop("422", None)
    for status, code, sentence in _problems(path, method, signed_in="security" in operation):
        responses.setdefault(str(status.value), _problem(path, status, code, sentence))


def _problems(path: str, method: str, *, signed_in: bool) -> Iterator[tuple[HTTPStatus, str, str]]:
    if signed_in:
        yield HTTPStatus.UNAUTHORIZED, "Unauthenticated", "No API key, or one that is not known."
        yield HTTPStatus.FORBIDDEN, "Forbidden", "The key may not do this."
        yield HTTPStatus.UNPROCESSABLE_ENTITY, "Invalid", "Something in the request is wrong."
    if path.startswith("/webhooks/"):
        if method == "get":
            yield HTTPStatus.FORBIDDEN, "Forbidden", "The verify token is another one."
        else:
            yield HTTPStatus.UNAUTHORIZED, "Unauthenticated", "The signature is missing or wrong."
    if "{" in path:
        yield HTTPStatus.NOT_FOUND, "NotFound", "There is no such thing in this workspace."
    if signed_in and method != "get":
        yield HTTPStatus.CONFLICT, "Conflict", "Right in itself, but not in the present state."
    if method in {"post", "put", "patch"}:
        yield HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "BodyTooLarge", "The body is too large."
    yield (
        HTTPStatus.SERVICE_UNAVAILABLE,
        "DatabaseAway",
        "The database is away. Nothing was changed; try again.",
    )


def _problem(path: str, status: HTTPStatus, code: str, sentence: str) -> dict[str, Any]:
    said: dict[str, Any] = {"status": status.value, "title": status.phrase, "code": code, "instance": path}
    if status != _EXAMPLE["status"]:
        said |= {"detail": sentence, "errors": []}
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": _EXAMPLE | said}
    return {"description": sentence, "content": {MEDIA_TYPE: content}}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter that may be left out is never null, whatever its Python type says."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    return {**{name: value for name, value in schema.items() if name != "anyOf"}, **kinds[0]}
