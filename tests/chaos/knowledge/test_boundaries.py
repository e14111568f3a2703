"""A worker is killed at every boundary of a document, and another one finds what it left."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from tests.chaos.conftest import wait_for

AGES = 600.0
"""Seconds that outlast every test."""
CALLS_AT_ONCE = 4
PARTS = 12
MANY = 270
"""Passages that take more calls than are made at once."""


@dataclass(frozen=True)
class Point:
    """Where a process is held: at an answer of the models (``slow``), or before a write (``gate``).

    Attributes:
        parts: passages of the document.
        is_page: whether it is a page of the web.
        is_again: whether it takes the place of an earlier upload, of which half stays.
    """

    slow: dict[str, Any] | None = None
    gate: tuple[str, str, str] | None = None
    parts: int = PARTS
    is_page: bool = False
    is_again: bool = False


def call(when: str, *, skip: int = 0, **point: Any) -> Point:
    match = {"kind": "openai_embedding"}
    return Point(
        slow={"action": "slow", "delay_s": AGES, "when": when, "skip": skip, "match": match}, **point
    )


def write(table: str, when: str, event: str = "update", **point: Any) -> Point:
    return Point(gate=(table, event, when), **point)


DOCUMENT, JOB = "knowledge_documents", "procrastinate_jobs"
POINTS = {
    "begin": write(DOCUMENT, "old.step = 'waiting' and new.step = 'reading'"),
    "page stored": write("knowledge_parts", "true", "insert", is_page=True),
    "page known": write(DOCUMENT, "old.step = 'fetching' and new.step = 'reading'", is_page=True),
    "drafts": write("knowledge_drafts", "new.n = 5", "insert"),
    "read": write(DOCUMENT, "old.step = 'reading' and new.step = 'embedding'"),
    "the job that embeds": write(JOB, "new.task_name = 'knowledge.embed_chunks'", "insert"),
    "reading job's end": write(
        JOB, "new.status = 'succeeded' and new.task_name = 'knowledge.process_document'"
    ),
    "ledger of a call": write("ai_calls", "true", "insert"),
    "call": call("before"),
    "answer": call("after"),
    "end of a call in the ledger": write("ai_calls", "new.status = 'done'"),
    "vectors": write("knowledge_vectors", "true", "insert"),
    "vectors stored": write(DOCUMENT, "new.step = 'embedding' and new.progress > 0.5"),
    "a later call": call("before", skip=CALLS_AT_ONCE, parts=MANY),
    "a later answer": call("after", skip=CALLS_AT_ONCE, parts=MANY),
    "a later call's vectors": write(
        DOCUMENT, "old.progress > 0.5 and new.step = 'embedding' and new.progress > old.progress", parts=MANY
    ),
    "swap": write("knowledge_chunks", "new.n = 7", "insert"),
    "indexed": write(DOCUMENT, "new.status = 'indexed'"),
    "embedding job's end": write(
        JOB, "new.status = 'succeeded' and new.task_name = 'knowledge.embed_chunks'"
    ),
    "again, drafts": write("knowledge_drafts", "new.n = 5", "insert", is_again=True),
    "again, old vectors kept": write("knowledge_vectors", "true", "insert", is_again=True),
    "again, answer": call("after", is_again=True),
    "again, swap": write("knowledge_chunks", "new.n = 7", "insert", is_again=True),
    "again, indexed": write(DOCUMENT, "new.status = 'indexed'", is_again=True),
}


@pytest.mark.parametrize("name", POINTS)
def test_killed_at_every_boundary(library, name):
    point = POINTS[name]
    library.staff()
    earlier = ready(library, name) if point.is_again else None
    with held(library, point):
        document_id, chunks = begin(library, name, point, earlier)
        wait_for(lambda: there(library, point), f"the point {name!r}", tell=library.tell)
        library.kill(library.busy())
        stored = library.stored(document_id)
        before = library.paid()
        library.world.clear_faults()
    library.settle()
    library.start()  # for the next point
    library.audit_document(document_id, chunks)
    paid = library.paid()
    assert {text: paid[text] for text in stored} == {text: before[text] for text in stored}, (
        "what was stored was paid again"
    )
    if point.is_again:
        assert stored, "the old upload was found until the end"


def ready(library, name: str) -> UUID:
    document_id = library.add(_values(name), _text(name, range(PARTS)))
    library.settle()
    return document_id


def begin(library, name: str, point: Point, earlier: UUID | None) -> tuple[UUID, int]:
    """The document, and how many chunks it must have in the end."""
    if earlier is not None:
        library.replace(earlier, _text(name, range(PARTS // 2, PARTS + PARTS // 2)))
        return earlier, PARTS
    if point.is_page:
        url = f"{library.world.url}/_sim/pages/{name.replace(' ', '-')}"
        return library.add({"title": url, "source": "url", "url": url}, ""), 3
    return library.add(_values(name), _text(name, range(point.parts))), point.parts


@contextlib.contextmanager
def held(library, point: Point) -> Iterator[None]:
    library.world.clear_faults()
    if point.slow:
        library.world.fault(**point.slow)
        yield
    else:
        with library.gate(*point.gate):
            yield


def there(library, point: Point) -> bool:
    if point.gate:
        return library.somebody_waits()
    return library.world.faults()[-1]["hits"] == 1


def _values(name: str) -> dict[str, Any]:
    return {"title": name, "source": "file", "filename": "document.md"}


def _text(name: str, parts: range) -> str:
    return "\n\n".join(
        f"## Part {n} of {name}\nThis is what part {n} has to say for itself: {'word ' * 40}{n}."
        for n in parts
    )
