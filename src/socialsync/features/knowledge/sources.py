"""What is to be read, brought into a file: from the parts that were uploaded, or from its URL."""

import hashlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from socialsync import clock, platforms
from socialsync.features.knowledge import formats, processing, queries
from socialsync.features.knowledge.models import Document
from socialsync.queue.jobs import Job
from socialsync.resources import Resources

LARGEST = 50 * 2**20
"""Bytes of one document."""
PART = 2**20
_PARTS_AT_ONCE = 8


@dataclass(frozen=True)
class Source:
    """A file, and what is said of it."""

    path: Path
    filename: str | None
    content_type: str | None


@asynccontextmanager
async def brought(opened: Resources, job: Job, document: Document) -> AsyncIterator[Source]:
    """The document's file, for the block. A page is fetched once for each upload: what came is kept.

    Raises:
        PageRefused, PageUnreachable.
        JobLost: another worker has the job.
    """
    with tempfile.TemporaryDirectory(prefix="socialsync-") as folder:
        path = Path(folder) / "document"
        if document.step == "fetching":
            yield await _fetched(opened, job, document, path)
        else:
            await _unpacked(opened, document, path)
            yield Source(path, document.filename, document.content_type)


async def _fetched(opened: Resources, job: Job, document: Document, path: Path) -> Source:
    with path.open("wb") as file:
        here = platforms.local_origins(opened.settings.whatsapp_graph, opened.settings.instagram_graph)
        page = await platforms.fetch_page(document.url or "", file, most=LARGEST, here=here)
    named = formats.named(page.content_type)
    source = Source(path, None if named else page.name, page.content_type if named else None)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
        file.seek(0)
        async with opened.database.transaction(document.workspace_id) as session:
            kept = await processing.keep_page(
                session,
                job,
                document.id,
                document.upload,
                {
                    "digest": digest,
                    "size_bytes": page.size,
                    "filename": source.filename,
                    "content_type": source.content_type,
                },
                now=clock.now(),
            )
            n = 0
            while kept and (part := file.read(PART)):
                await queries.add_part(session, document, upload=document.upload, n=n, content=part)
                n += 1
    return source


async def _unpacked(opened: Resources, document: Document, path: Path) -> None:
    n = 0
    with path.open("wb") as file:
        while True:
            async with opened.database.transaction(document.workspace_id) as session:
                parts = [
                    await queries.read_part(session, document.id, document.upload, n + ahead)
                    for ahead in range(_PARTS_AT_ONCE)
                ]
            file.writelines(part for part in parts if part is not None)
            n += _PARTS_AT_ONCE
            if None in parts:
                return
