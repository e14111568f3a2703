"""Stock workers on the App of the house, people who comment, and what must hold whatever is done to them.

Nothing of the product is hooked: see ``tests/chaos/posts``, from which the room and its gates are.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from socialsync import registry
from socialsync.db.embedded import EmbeddedServer
from socialsync.db.urls import Urls
from socialsync.features.decisions import service as decisions
from socialsync.features.knowledge import service as knowledge
from tests import cluster
from tests.chaos.conftest import Nursery, wait_for
from tests.chaos.posts.conftest import Newsroom, _found
from tests.conftest import opening, urls_of
from tests.simulator.server import SimulatorServer

registry.load()

ACCOUNT = "17841400000000001"
QUESTION, ANSWER = "When do you open?", "We open every day at nine in the morning."
NOISE = "Meanwhile, number {n}"
POST = """
insert into posts (workspace_id, channel_id, status, text, platform_post_id, published_at, next_check_at,
    stop_at)
values (%(workspace)s, %(channel)s, 'published', 'Our new sourdough', %(media)s, now() - interval '1 hour',
    now(), now() + interval '6 days')
"""
TICK = """
insert into procrastinate_jobs (queue_name, task_name, args, priority)
values ('comments', 'comments.poll_post_comments', '{}', 5)
"""
DOING = """
select info.pid from procrastinate_jobs job join worker_info info on info.worker_id = job.worker_id
where job.status = 'doing' and job.task_name = %(task)s order by job.id desc limit 1
"""
LEFT = """
select (select count(*) from procrastinate_jobs where status in ('todo', 'doing') and queue_name = 'comments')
    + (select count(*) from comments where work is not null)
    + (select count(*) from comment_replies where status in ('queued', 'sending'))
    + (select count(*) from posts where status = 'published' and id not in (
        select post_id from comment_watches where polls > 0))
"""
TIME_PASSES = """
update comment_replies set effect_at = effect_at - interval '91 seconds' where id in (
    select id from comment_replies
    where status = 'sending' and effect_at > now() - interval '4 minutes' and not exists (
        select from procrastinate_jobs job where job.status = 'doing' and job.queue_name = 'comments')
    for update skip locked);
update comments set updated_at = updated_at - interval '61 seconds' where id in (
    select id from comments where work is not null and not exists (
        select from procrastinate_jobs job where job.id = comments.job_id and job.status in ('todo', 'doing'))
    for update skip locked);
update procrastinate_jobs set scheduled_at = now() where id in (
    select id from procrastinate_jobs
    where status = 'todo' and queue_name = 'comments' and scheduled_at > now() for update skip locked);
update limits set blocked_until = null where blocked_until is not null;
with unread as (
    update posts set next_check_at = now() where status = 'published' and next_check_at > now()
        and id not in (select post_id from comment_watches where polls > 0)
        and not exists (select from procrastinate_jobs
            where status in ('todo', 'doing') and task_name = 'comments.poll_post_comments')
    returning id
)
insert into procrastinate_jobs (queue_name, task_name, args, priority)
select 'comments', 'comments.poll_post_comments', '{}', 5 where exists (select from unread);
select pg_notify('queue_control', '')
"""


class Wall(Newsroom):
    """An account under whose posts people write, and its workers."""

    queues: ClassVar[str] = "comments"
    held_task: str = ""

    def publish(self) -> str:
        """A post as it is once it is out: the id of its medium."""
        media = self.world.comments(media=[{"account": ACCOUNT, "caption": "Our new sourdough"}])["media"][0]
        self.ask(POST, workspace=self.workspace, channel=self.channel["instagram"], media=media)
        return media

    def tick(self) -> None:
        self.ask(TICK)

    def look_again(self) -> None:
        """All posts are due, and a tick looks at them."""
        self.ask("update posts set next_check_at = now() where status = 'published'")
        self.tick()

    def busy(self) -> int:
        """The process of the job that is held."""
        ((pid,),) = wait_for(lambda: self.ask(DOING, task=self.held_task), "work", tell=self.tell)
        return pid

    def over(self, most: str = "") -> bool:  # noqa: ARG002 - what of posts takes longer
        ((left,),) = self.ask(LEFT)
        if left:
            self.ask(TIME_PASSES)
        return not left

    def tell(self) -> str:
        said = (f"--- {pid}\n{self.log(pid)[-3_000:]}" for pid in self.pids[-2:])
        jobs = self.ask(
            "select id, task_name, status::text, scheduled_at::time(0), attempts, x_kills"
            " from procrastinate_jobs where status in ('todo', 'doing') order by id limit 20"
        )
        comments = self.ask(
            "select id, text, triage, work, job_id, error from comments where work is not null limit 20"
        )
        replies = self.ask("select * from comment_replies where status <> 'sent' limit 20")
        return "\n".join([*said, *map(str, [*jobs, *comments, *replies])])

    def audit(self) -> None:
        """Each comment has one decision, nobody is answered twice, and rows and ledger tell the same."""
        effects = [
            *self.world.ledger(kind="instagram.reply"), *self.world.ledger(kind="instagram.private_reply")
        ]  # fmt: skip
        answered = Counter(effect["comment_id"] for effect in effects)
        assert set(answered.values()) <= {1}, answered
        sent = self.ask(
            "select comment.platform_comment_id, reply.* from comment_replies reply"
            " join comments comment on comment.id = reply.comment_id"
        )
        assert {row.status for row in sent} <= {"sent"}
        assert Counter(row.platform_comment_id for row in sent) == answered
        known = {effect["id"] for effect in effects}
        assert {row.platform_reply_id for row in sent if row.kind == "public"} <= known
        assert self.ask("select id from comments where work is not null") == []
        odd = self.ask(
            "select comment.id, count(*) from comments comment left join ai_decisions decision"
            " on decision.subject_id = comment.id and decision.context_type = 'comment'"
            " where not comment.own group by comment.id having count(decision.id) <> 1"
        )
        assert odd == [], "each has one decision"
        assert self.ask("select subject_id from escalations group by 1 having count(*) > 1") == []

    def comments(self, media: str):
        return self.ask(
            "select comment.*, decision.decision from comments comment"
            " left join ai_decisions decision on decision.id = comment.ai_decision_id"
            " where media_id = %(media)s and not own order by said_at, comment.id",
            media=media,
        )

    def effects(self, kind: str, media: str) -> list[dict[str, Any]]:
        ids = {row.platform_comment_id for row in self.comments(media)}
        return [each for each in self.world.ledger(kind=kind) if each.get("comment_id") in ids]


async def _furnish(wall: Wall) -> None:
    """What is known, and what is noise."""
    async with (
        opening(wall.urls, wall.home, wall.world.url) as opened,
        opened.database.transaction(wall.workspace) as session,
    ):
        await knowledge.add_faq(session, wall.workspace, question=QUESTION, answer=ANSWER, language="en")
        for name, word in (("noise", "meanwhile"), ("spam", "followers")):
            await decisions.add_rule(
                session, wall.workspace, name=name, kind="word", pattern=word, decision="IGNORE"
            )


@contextlib.contextmanager
def wall_on(urls: Urls, home: Path, nursery: Nursery, world: SimulatorServer) -> Iterator[Wall]:
    world.reset()
    wall = Wall(urls, home, nursery, world=world)
    asyncio.run(_found(wall))
    asyncio.run(_furnish(wall))
    yield wall
    wall.end()
    world.clear_faults()


@pytest.fixture(scope="module")
def wall(
    server: EmbeddedServer, template: str, tmp_path_factory, nursery: Nursery, outside_world
) -> Iterator[Wall]:
    """One for all tests of a module: each leaves it with everything settled, and a worker who lives."""
    home = tmp_path_factory.mktemp("wall")
    with (
        cluster.created(server, template) as name,
        wall_on(urls_of(server, name), home, nursery, outside_world) as wall,
    ):
        yield wall
