"""Rules and decisions as JSON."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from socialsync.api.schemas import Answer, Body, Changes
from socialsync.features.decisions.service import ContextType, Source, Verdict

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
Pattern = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Kind = Literal["word", "phrase", "regex"]
Contexts = Annotated[list[ContextType], Field(min_length=1, max_length=2)]
Position = Annotated[int, Field(ge=-1_000_000, le=1_000_000)]


class NewRule(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "refunds",
                    "kind": "word",
                    "pattern": "refund",
                    "decision": "ESCALATE",
                    "contexts": ["chat"],
                }
            ]
        }
    )

    name: Name
    kind: Kind = "phrase"
    pattern: Pattern
    decision: Verdict
    contexts: Contexts = ["chat", "comment"]
    position: Position = 0
    enabled: bool = True


class RuleChanges(Changes):
    name: Name = ""
    kind: Kind = "phrase"
    pattern: Pattern = ""
    decision: Verdict = "ESCALATE"
    contexts: Contexts = []
    position: Position = 0
    enabled: bool = True


class RuleOut(Answer):
    id: UUID
    name: str
    kind: Kind
    pattern: str
    decision: Verdict
    contexts: list[ContextType]
    position: int
    enabled: bool
    created_at: datetime
    updated_at: datetime


class DecisionOut(Answer):
    id: UUID
    context_type: ContextType
    subject_id: UUID
    channel_id: UUID
    decision: Verdict
    reason: str
    source: Source
    rule: str | None
    confidence: float | None
    sources: Annotated[list[str], Field(description="Ids of the passages that the answer rests on.")]
    created_at: datetime
