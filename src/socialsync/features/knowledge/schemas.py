"""The JSON of knowledge."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from socialsync.api.schemas import Answer, Body, Changes
from socialsync.api.validation import refusal

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Question = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)]
Language = Annotated[
    str, StringConstraints(pattern=r"^[a-z]{2}$"), Field(description="ISO 639-1, e.g. fr.", examples=["fr"])
]


class NewDocument(Body):
    """A text of your own, or a page of the web. Files come as multipart/form-data in the field `file`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"title": "Opening hours", "text": "We are open from Monday to Saturday, 9:00 to 18:00."},
                {"url": "https://example.com/prices"},
            ]
        }
    )

    title: Title | None = None
    text: Annotated[str, Field(max_length=20_000_000)] | None = None
    url: Annotated[str, Field(max_length=2_000)] | None = None

    @model_validator(mode="after")
    def _is_one_of_both(self) -> "NewDocument":
        if (self.text is None) == (self.url is None):
            raise refusal("needs a text or a url, one of them", fix="Or upload a file in the field file.")
        if self.url is not None and not _is_page(self.url):
            raise refusal("is no URL of a page", at=".url", fix="Write it like https://example.com/prices.")
        if self.text is not None and not self.text.strip():
            raise refusal("is empty", at=".text", fix="Write what is to be known.")
        if self.text is not None and self.title is None:
            raise refusal("is missing", at=".title", fix="Give the text a title.")
        return self


def _is_page(url: str) -> bool:
    """Whether it may be fetched; a password in it would be stored and shown."""
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in {"http", "https"}
            and bool(parts.hostname)
            and "@" not in parts.netloc
            and (parts.port is None or parts.port > 0)
            and url.isprintable()
            and " " not in url
        )
    except ValueError:
        return False


class DocumentAnswer(Answer):
    """A document. ``progress``: 0 to 1. ``error``: why it failed, or what it waits for, for a person to
    read.
    """

    id: UUID
    title: str
    source: Literal["file", "text", "url"]
    filename: str | None
    url: str | None
    content_type: str | None
    size_bytes: int
    status: Literal["pending", "processing", "indexed", "failed"]
    step: Literal["waiting", "fetching", "reading", "embedding", "storing", "done"]
    progress: float
    pages: int | None
    chunk_count: int
    language: str | None
    error: str | None
    waits_for: Literal["budget", "model"] | None
    job_id: int | None
    indexed_at: datetime | None
    created_at: datetime
    updated_at: datetime


class NewFaq(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"question": "Do you have parking?", "answer": "Yes, twenty places behind the house."}
            ]
        }
    )

    question: Question
    answer: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000)]
    language: Language | None = None


class FaqChanges(Changes):
    clearable: ClassVar[frozenset[str]] = frozenset({"language"})

    question: Question = ""
    answer: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000)] = ""
    language: Language | None = None


class FaqAnswer(Answer):
    id: UUID
    question: str
    answer: str
    language: str | None
    revision: int
    created_at: datetime
    updated_at: datetime


class Imported(Answer):
    count: int


class Search(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"query": "When are you open?", "limit": 5}]})

    query: Question
    limit: Annotated[int, Field(ge=1, le=50)] = 10
    rerank: Annotated[
        bool | None,
        Field(description="Have the chat model order what was found; without it as SOCIALSYNC_RERANK says."),
    ] = None


class SourceAnswer(Answer):
    """Where a passage stands."""

    title: str | None
    heading: str | None
    page: int | None
    url: str | None
    faq_id: UUID | None


class HitAnswer(Answer):
    """A passage. ``score``: higher is better, comparable within one answer only."""

    document_id: UUID | None
    chunk_id: UUID
    text: str
    score: float
    source: SourceAnswer


class Hits(Answer):
    """``degraded``: a model was away or too slow: found by words alone, or not reranked."""

    items: list[HitAnswer]
    degraded: bool


class Ask(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"question": "When are you open on Sundays?"}]})

    question: Question
    language: Language | None = None


class KnowledgeAnswer(Answer):
    """``grounded``: whether the knowledge holds the answer; if not, ``answer`` says so and rests on
    nothing.
    """

    answer: str
    sources: list[HitAnswer]
    grounded: bool
