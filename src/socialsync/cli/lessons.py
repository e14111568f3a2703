"""What the demo learns and is asked: a price list, a page, and questions with what must be said."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import httpx

PATIENCE = 90.0
PRICES = """# Price list

## Massage
An hour of massage costs 60 euros, half an hour 35 euros. Bring nothing: towels are there.

## Gift cards
Gift cards are valid for two years and are sent by email on the day of the order.

## Annulation
Vous pouvez annuler sans frais jusqu'à 24 heures avant le rendez-vous.
"""


@dataclass
class Lesson:
    """A document, and how far it is."""

    title: str
    document: dict[str, Any] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        return self.document.get("status") == "indexed" and self.document["chunk_count"] > 0

    @property
    def ended(self) -> bool:
        return self.document.get("status") in {"indexed", "failed"}

    @property
    def says(self) -> str:
        if self.good:
            return f"indexed, {self.document['chunk_count']} passages"
        return self.document.get("error") or f"{self.document.get('status', 'waiting')}"


@dataclass
class Question:
    """``expected`` stands in the answer; None: the knowledge must not hold it."""

    asked: str
    expected: str | None
    answer: dict[str, Any] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        if self.expected is None:
            return self.answer.get("grounded") is False
        return bool(self.answer.get("grounded")) and self.expected in self.answer["answer"]

    @property
    def says(self) -> str:
        sources = {source["source"]["heading"] for source in self.answer.get("sources", ())} - {None}
        return f"{self.answer.get('answer', '')} {sorted(sources) if sources else ''}".strip()


def questions() -> list[Question]:
    return [
        Question("How much is an hour of massage?", "60 euros"),
        Question("Puis-je annuler mon rendez-vous ?", "24 heures"),
        Question("What does delivery cost?", "4.90"),
        Question("Do you repair bicycles?", None),
    ]


async def learn(api: httpx.AsyncClient, simulator: str) -> list[Lesson]:
    """A file and a page of the web, until both are known or patience has ended."""
    file = {"file": ("prices.md", PRICES.encode(), "text/markdown")}
    page = {"url": f"{simulator}/_sim/pages/corner-bakery"}
    lessons = [
        Lesson("A price list", (await api.post("/api/v1/documents", files=file)).raise_for_status().json()),
        Lesson("A page", (await api.post("/api/v1/documents", json=page)).raise_for_status().json()),
    ]
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while not all(lesson.ended for lesson in lessons) and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.1)
        for lesson in lessons:
            lesson.document = (await api.get(f"/api/v1/documents/{lesson.document['id']}")).json()
    return lessons


async def ask(api: httpx.AsyncClient) -> list[Question]:
    asked = questions()
    for question in asked:
        body = {"question": question.asked}
        question.answer = (await api.post("/api/v1/knowledge/answer", json=body)).raise_for_status().json()
    return asked
