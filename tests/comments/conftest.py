"""A workspace with a post of Instagram's that people comment on, at the simulator."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from socialsync import clock
from socialsync.features.comments import service
from socialsync.features.knowledge import service as knowledge
from socialsync.platforms.comments import PublishedMedia
from tests.posts.conftest import IG_USER, Office, office

__all__ = ["IG_USER", "office"]

POLL = "comments.poll_post_comments"
PROCESS = "comments.process_comment"
SETTLE = "comments.settle_reply"
FAQS = [
    ("When do you open?", "We open every day at nine in the morning and close at six.", "en"),
    ("Avez-vous un parking ?", "Oui, notre parking gratuit compte vingt places derrière la maison.", "fr"),
]


@dataclass
class Wall:
    """Under a post, which ``media`` is at the platform."""

    office: Office
    simulator: Any
    media: str
    post_id: UUID

    @property
    def opened(self):
        return self.office.opened

    @property
    def workspace_id(self) -> UUID:
        return self.office.workspace_id

    def comment(self, text: str, **more: Any) -> str:
        """Somebody writes; its id at the platform."""
        made = self.simulator.comments(comments=[{"media_id": self.media, "text": text, **more}])
        return made["ids"][0]

    async def due(self) -> None:
        """The post is due for its next check."""
        await self.office.rows(
            "update posts set next_check_at = now() where status = 'published' returning id"
        )

    async def poll(self, *, due: bool = True) -> dict[str, Any]:
        """What a tick does."""
        if due:
            await self.due()
        (row,) = await self.office.rows(
            "insert into procrastinate_jobs (queue_name, task_name, args, priority)"
            " values ('comments', :task, '{}', 5) returning id",
            task=POLL,
        )
        return await self.office.run(row["id"])

    async def work(self, task: str = PROCESS) -> list[str]:
        """Run what waits of this task; how each ended."""
        statuses = []
        for job in await self.office.jobs(task):
            if job["status"] == "todo":
                statuses.append((await self.office.run(job["id"]))["status"])
                await self.office.rows(
                    "update procrastinate_jobs set status = 'succeeded' where id = :id and status = 'doing'"
                    " returning id",
                    id=job["id"],
                )
        return statuses

    async def look(self) -> list[str]:
        await self.poll()
        return await self.work()

    async def comments(self, *, own: bool = False) -> list[dict[str, Any]]:
        return await self.office.rows("select * from comments where own = :own order by said_at, id", own=own)

    async def one(self) -> dict[str, Any]:
        (found,) = await self.comments()
        return found

    async def replies(self) -> list[dict[str, Any]]:
        return await self.office.rows("select * from comment_replies order by id")

    async def age_replies(self) -> None:
        """Two minutes have passed since they were sent."""
        await self.office.rows(
            "update comment_replies set effect_at = effect_at - interval '2 minutes' returning id"
        )

    async def why(self) -> dict[str, Any]:
        return (await self.office.rows("select * from ai_decisions order by id"))[-1]

    def said(self) -> list[str]:
        """The replies that the world saw."""
        return [effect["text"] for effect in self.simulator.ledger(kind="instagram.reply")]

    async def decide(self, comment_id: UUID, verdict: Any, reply: str | None = None):
        async with self.opened.database.transaction(self.workspace_id) as session:
            return await service.overrule(session, comment_id, verdict, reply, by="Ada", now=clock.now())


@pytest.fixture
async def wall(office: Office, simulator):
    made = simulator.comments(media=[{"account": IG_USER, "caption": "Our new sourdough"}])
    media = made["media"][0]
    now = datetime.now(UTC)
    found = PublishedMedia(media, "Our new sourdough", now - timedelta(hours=1), "image")
    post_id = await watch(office, found)
    async with office.opened.database.transaction(office.workspace_id) as session:
        for question, answer, language in FAQS:
            await knowledge.add_faq(
                session, office.workspace_id, question=question, answer=answer, language=language
            )
    return Wall(office, simulator, media, post_id)


async def watch(office: Office, media: PublishedMedia) -> UUID:
    """A post as it is once it is published."""
    post = await office.write(now=media.at, text=media.caption, publish_at=media.at)
    await office.rows(
        "update posts set status = 'published', platform_post_id = :media, published_at = :at,"
        " next_check_at = :at, stop_at = cast(:at as timestamptz) + interval '7 days' where id = :id"
        " returning id",
        media=media.id,
        at=media.at,
        id=post.id,
    )
    return post.id
