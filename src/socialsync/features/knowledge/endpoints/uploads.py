"""What comes in at the door of documents: a file, a text or a URL.

A file is never held whole: the web door puts it into a temporary one, and from there it goes to Postgres a
mebibyte at a time.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from socialsync.api.routing import read_json
from socialsync.errors import Invalid
from socialsync.features.knowledge import service
from socialsync.features.knowledge.models import Document
from socialsync.features.knowledge.schemas import NewDocument
from socialsync.features.knowledge.sources import LARGEST, PART

OPENAPI: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "title": {"type": "string"},
                    },
                }
            },
            "application/json": {"schema": NewDocument.model_json_schema()},
        },
    }
}
_LONGEST_NAME = 300
_AS_FORM = "Send one file as multipart/form-data, in the field file: curl -F file=@prices.pdf"


@dataclass(frozen=True)
class Upload:
    """What came in.

    Args:
        values: of the document.
        digest: of the content, or of the URL.
    """

    values: Mapping[str, Any]
    digest: bytes
    file: UploadFile | None = None
    content: bytes = b""


@asynccontextmanager
async def taken(request: Request) -> AsyncIterator[Upload]:
    """What this request brings; its temporary file is gone after the block.

    Raises:
        Invalid, RequestValidationError.
    """
    declared = request.headers.get("content-type", "").lower()
    if declared.startswith("multipart/form-data"):
        form = await _form(request)
        try:
            yield await _of_form(form)
        finally:
            await form.close()
    else:
        yield _of_json(await request.body(), declared)


async def _form(request: Request) -> FormData:
    try:
        return await request.form(max_files=1, max_fields=10)
    except HTTPException as error:
        if error.status_code != HTTPStatus.BAD_REQUEST:
            raise
        raise Invalid(f"The form cannot be read: {error.detail}", field="file", fix=_AS_FORM) from None


async def store(session: AsyncSession, document: Document, upload: Upload) -> None:
    """In the transaction of the document."""
    n = 0
    while part := (
        await upload.file.read(PART) if upload.file else upload.content[n * PART : (n + 1) * PART]
    ):
        await service.add_part(session, document, n, part)
        n += 1


def _of_json(source: bytes, declared: str) -> Upload:
    try:
        body = NewDocument.model_validate(read_json(source or b"{}"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        if "json" not in declared:
            raise Invalid("The body is neither a form nor JSON.", field="file", fix=_AS_FORM) from None
        raise Invalid(f"The body is not valid JSON: {_where(error)}.", fix="Send JSON in UTF-8.") from None
    except ValidationError as error:
        raise RequestValidationError(
            [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
        ) from None
    if body.url is not None:
        values: dict[str, Any] = {"title": body.title or body.url, "source": "url", "url": body.url}
        return Upload(values, hashlib.sha256(body.url.encode()).digest())
    content = (body.text or "").encode()
    if len(content) > LARGEST:
        raise Invalid("The text is larger than 50 MB.", field="text", fix="Split it.")
    digest = hashlib.sha256(content).digest()
    values = {
        "title": body.title,
        "source": "text",
        "content_type": "text/plain",
        "size_bytes": len(content),
        "digest": digest,
    }
    return Upload(values, digest, content=content)


def _where(error: json.JSONDecodeError | UnicodeDecodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"no UTF-8 at byte {error.start}"
    return f"{error.msg.removesuffix(' at')} at character {error.pos}"


async def _of_form(form: FormData) -> Upload:
    file, title = form.get("file"), form.get("title")
    if not isinstance(file, UploadFile):
        raise Invalid(
            "There is no file.", field="file", fix="Send it as multipart/form-data, in the field file."
        )
    size = file.size or 0
    if size > LARGEST:
        raise Invalid("The file is larger than 50 MB.", field="file", fix="Split it.")
    hashed = hashlib.sha256()
    while part := await file.read(PART):
        hashed.update(part)
    await file.seek(0)
    name = _plain(file.filename).replace("\\", "/").rpartition("/")[2]
    values = {
        "title": _plain(title if isinstance(title, str) else "") or name or "Document",
        "source": "file",
        "filename": name or None,
        "content_type": _plain(file.content_type)[:200] or None,
        "size_bytes": size,
        "digest": hashed.digest(),
    }
    return Upload(values, hashed.digest(), file)


def _plain(text: str | None) -> str:
    """Without signs that cannot be stored or that turn the others around; its end, which has the ending."""
    return "".join(sign for sign in (text or "") if sign.isprintable()).strip()[-_LONGEST_NAME:]
