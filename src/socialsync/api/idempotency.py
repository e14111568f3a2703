"""``Idempotency-Key``: a creating request that is repeated creates once and is answered the same again.

    async with opened.database.transaction(principal.workspace_id) as session:
        return await once(session, asked, create)

The key is claimed in the very transaction of the creation, so a request that fails leaves its key free.
Of the request only a digest is kept.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Depends, Header, Request
from pydantic import BaseModel
from pydantic_core import to_json
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import JSONResponse, Response

from socialsync.db import idempotency
from socialsync.errors import Conflict

REPLAYED = "Idempotency-Replayed"


class IdempotencyKeyReused(Conflict):
    """The key belongs to another request: another address, or another body."""


@dataclass(frozen=True)
class Asked:
    """What is asked, and under which key, if under one.

    Args:
        digest: SHA-256 of method, address and body; bodies that mean the same JSON have the same.
    """

    key: str | None
    digest: bytes

    def about(self, content: bytes) -> "Asked":
        """The same request, told apart by this content: for uploads, whose raw bodies never repeat."""
        return replace(self, digest=hashlib.sha256(self.digest + content).digest())


async def asked(
    request: Request,
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            min_length=1,
            max_length=255,
            pattern=r"^[ -~]+$",
            description="Any text of your own; a repetition with the same key creates nothing new.",
        ),
    ] = None,
) -> Asked:
    if key is None:
        return Asked(None, b"")
    address = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    upload = request.headers.get("content-type", "").startswith("multipart/")
    content = b"" if upload else _canonical(await request.body())
    return Asked(key, hashlib.sha256(address + content).digest())


AskedOnce = Annotated[Asked, Depends(asked)]


async def once(
    session: AsyncSession, asked: Asked, make: Callable[[], Awaitable[BaseModel]], *, status: int = 201
) -> Response:
    """Make it and answer, or give the answer of the first time.

    Args:
        session: the transaction of the creation; a twin of the request waits for its end.
        make: creates, and returns what to answer; not called for a repetition. The answer is kept with the
            key, so it must hold no secret.

    Raises:
        IdempotencyKeyReused.
    """
    if asked.key is None:
        return _json(to_json(await make()), status)
    if not await idempotency.claim_key(session, key=asked.key, digest=asked.digest):
        return await _again(session, asked.key, asked.digest)
    content = to_json(await make())
    await idempotency.keep_answer(session, key=asked.key, status=status, body=json.loads(content))
    return _json(content, status)


async def was_answered(session: AsyncSession, asked: Asked) -> bool:
    """Whether ``once`` will repeat an answer: then nothing need be prepared."""
    return asked.key is not None and await idempotency.is_known(session, asked.key)


async def _again(session: AsyncSession, key: str, digest: bytes) -> Response:
    first = await idempotency.get_key(session, key)
    if first.request_digest != digest or first.status is None:
        raise IdempotencyKeyReused(
            "This key was used for another request already.",
            field="Idempotency-Key",
            fix="Use a new key for a new request; to repeat the first one, send it unchanged.",
        )
    return JSONResponse(first.body, first.status, headers={REPLAYED: "true"})


def _json(content: bytes, status: int) -> Response:
    return Response(content, status, media_type="application/json")


def _canonical(body: bytes) -> bytes:
    """The same bytes for the same JSON, however a client orders its keys."""
    try:
        return json.dumps(json.loads(body), sort_keys=True).encode()
    except (ValueError, RecursionError):
        return body
