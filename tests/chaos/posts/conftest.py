"""Stock workers on the App of the house, posts that come due, and what must hold whatever is done to them.

Nothing of the product is hooked. A process is held at a point by a slow answer of the simulator, or by a
trigger in the test's database that waits for a lock of ours; time passes by moving what is written of it.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import psycopg
import pytest

from socialsync.db.embedded import EmbeddedServer
from socialsync.db.urls import Urls
from socialsync.features.accounts import service as accounts
from socialsync.features.channels import service as channels
from tests import cluster
from tests.chaos.conftest import PATIENCE, Nursery, Works, wait_for
from tests.conftest import opening, urls_of
from tests.simulator.server import SimulatorServer

REASON = "chaos of posts"
KEY = "a key of the tests"
LOCK = 4711
PICTURE, FILM = "https://example.com/s.jpg", "https://example.com/s.mp4"
WRITE = """
insert into posts (workspace_id, channel_id, status, text, media_urls, media_type, recipients, publish_at)
select %(workspace)s, %(channel)s, 'queued', text, %(media)s, %(media_type)s, %(recipients)s, now()
from unnest(%(texts)s::text[]) text
returning id
"""
TICK = """
insert into procrastinate_jobs (queue_name, task_name, args, priority)
values ('scheduler', 'posts.enqueue_due_posts', '{}', 5)
"""
DUE = """
update procrastinate_jobs set scheduled_at = now() where id in (
    select id from procrastinate_jobs where status = 'todo' and scheduled_at > now() for update skip locked);
select pg_notify('queue_control', '')
"""
TIME_PASSES = """
with resting as materialized (  -- nobody works at these, and what comes first of theirs is not due
    select id from posts where status = 'publishing' and coalesce((
        select job.status = 'todo' and job.scheduled_at > now() from procrastinate_jobs job
        where job.args ->> 'post_id' = posts.id::text and job.status in ('todo', 'doing')
        order by job.status = 'doing' desc, job.scheduled_at nulls first, job.id limit 1), true)
), runs as (
    update post_runs set effect_at = effect_at - interval '5 minutes 1 second',
        looked_at = looked_at - interval '5 minutes 1 second' from resting
    where post_id = resting.id and status = 'running'
        and coalesce(looked_at, effect_at) > now() - interval 'MOST'  -- looking has a time of its own
), messages as (
    update post_deliveries set sending_at = sending_at - interval '61 seconds',
        not_before = not_before - interval '1 hour' from resting
    where post_id = resting.id and status in ('queued', 'sending')
), jobs as (
    update procrastinate_jobs set scheduled_at = now() where id in (
        select job.id from procrastinate_jobs job join posts on job.args ->> 'post_id' = posts.id::text
        where job.status = 'todo' and job.scheduled_at > now()
            and (posts.status <> 'publishing' or posts.id in (select id from resting))
        for update of job skip locked)
)
update posts set updated_at = updated_at - interval '61 seconds' from resting where posts.id = resting.id;
update posts set not_before = null where status = 'queued' and not_before is not null;
update limits set blocked_until = null where blocked_until is not null;
insert into procrastinate_jobs (queue_name, task_name, args, priority)
select 'scheduler', 'posts.enqueue_due_posts', '{}', 5
where exists (select from posts where status = 'queued') and not exists (
    select from procrastinate_jobs
    where task_name = 'posts.enqueue_due_posts' and status in ('todo', 'doing'));
select pg_notify('queue_control', '')
"""
GATE = """
create or replace function wait_at_the_gate() returns trigger language plpgsql as $$
begin perform pg_advisory_xact_lock_shared({lock}); return new; end $$;
create trigger gate before {event} on {table} for each row when ({when})
    execute function wait_at_the_gate()
"""
WAITING = """
select 1 from pg_locks where locktype = 'advisory' and objid = %(lock)s and not granted
and database = (select oid from pg_database where datname = current_database())
"""
BUSY = """
select info.pid from procrastinate_jobs job join worker_info info on info.worker_id = job.worker_id
where job.status = 'doing' order by job.args ? 'post_id' desc, job.id desc limit 1
"""
LEFT = """
select (select count(*) from procrastinate_jobs
        where status in ('todo', 'doing') and task_name like 'posts.%')
    + (select count(*) from posts where status in ('queued', 'publishing'))
"""


@dataclass
class Newsroom(Works):
    """A workspace with an account and a number, its workers, and the world that sees what they do."""

    queues: ClassVar[str] = "scheduler"

    world: SimulatorServer | None = None
    also: dict[str, str] = field(default_factory=dict)
    workspace: UUID | None = None
    channel: dict[str, UUID] = field(default_factory=dict)

    def start(self) -> int:
        environment = {
            "DATABASE_URL": self.urls.app,
            "DATABASE_OWNER_URL": self.urls.owner,
            "SOCIALSYNC_HOME": str(self.home),
            "SOCIALSYNC_SECRET_KEY": KEY,
            "META_GRAPH_URL": self.world.url,
            "OPENAI_BASE_URL": f"{self.world.url}/v1",
            "OPENAI_API_KEY": KEY,
            "PROCRASTINATE_APP": "socialsync.worker.app",
            "SOCIALSYNC_LOG_FORMAT": "json",
            **self.also,
        }
        log = self.home / f"{len(self.pids)}.log"
        pid = self.nursery.bear(["worker", "-q", self.queues], environment, log)
        self.pids.append(pid)
        return pid

    def staff(self) -> None:
        """Two workers who are ready: who lives, and somebody new."""
        while len(self.alive()) < 2:
            self.start()
        self.ready(*self.alive())

    def busy(self) -> int:
        """The process of a job that is under way: of a post, else of the tick."""
        ((pid,),) = wait_for(lambda: self.ask(BUSY), "work", tell=self.tell)
        return pid

    def tell(self) -> str:
        said = (f"--- {pid}\n{self.log(pid)[-3_000:]}" for pid in self.pids[-2:])
        stories = self.ask(
            "select post.id, post.status, post.error, (select array_agg("
            " concat_ws(' ', job.id, task_name, job.status, scheduled_at::time(0), x_kills, told.error)"
            " order by job.id, told.attempt)"
            " from procrastinate_jobs job left join job_results told on told.job_id = job.id"
            " where job.args ->> 'post_id' = post.id::text) as jobs, (select array_agg("
            " concat_ws(' ', attempt, status, effect_at::time(0), doubt, error) order by attempt)"
            " from post_runs run where run.post_id = post.id) as runs"
            " from posts post where post.status in ('queued', 'publishing', 'unknown') or exists ("
            " select from procrastinate_jobs job where job.args ->> 'post_id' = post.id::text"
            " and job.status in ('todo', 'doing')) order by post.id limit 20"
        )
        return "\n".join([*said, *map(str, stories)])

    def write(self, *texts: str, recipients: Sequence[str] = (), kind: str = "image") -> list[UUID]:
        """Posts that are due now, each its own text: an image, a reel, a story, a carousel of two, or a
        broadcast.
        """
        media = [] if recipients else [FILM] if kind == "reel" else [PICTURE] * (1 + (kind == "carousel"))
        rows = self.ask(
            WRITE,
            workspace=self.workspace,
            channel=self.channel["whatsapp" if recipients else "instagram"],
            texts=list(texts),
            media=media,
            media_type=None if recipients else kind,
            recipients=list(recipients),
        )
        return [row.id for row in rows]

    def tick(self) -> None:
        self.ask(TICK)

    def make_due(self) -> None:
        """What waits for its time has come to it."""
        self.ask(DUE)

    def over(self, most: str = "4 minutes") -> bool:
        """Whether nothing is left to do. For the posts that only wait, time passes: five minutes at once, for
        a call that is no older than ``most``, so that what can be found out is found in time.
        """
        ((left,),) = self.ask(LEFT)
        if left:
            self.ask(TIME_PASSES.replace("MOST", most))
        return not left

    def settle(self, within: float = PATIENCE, **given: str) -> None:
        wait_for(lambda: self.over(**given), "the end of all posts", within, tell=self.tell)

    @contextlib.contextmanager
    def gate(self, table: str, event: str, when: str) -> Iterator[None]:
        """Whoever comes to this write inside waits there until the end of it."""
        with psycopg.connect(self.urls.owner, autocommit=True) as ours:
            ours.execute("select pg_advisory_lock(%s)", [LOCK])
            self.ask(GATE.format(lock=LOCK, table=table, event=event, when=when))
            yield
            ours.execute("select pg_advisory_unlock(%s)", [LOCK])
        self.ask(f"drop trigger gate on {table}")

    def somebody_waits(self) -> bool:
        return bool(self.ask(WAITING, lock=LOCK))

    def post(self, post_id: UUID):
        (row,) = self.ask("select * from posts where id = %(id)s", id=post_id)
        return row

    def deliveries(self, post_id: UUID) -> list[str]:
        rows = self.ask(
            "select status from post_deliveries where post_id = %(id)s order by status", id=post_id
        )
        return [row.status for row in rows]

    def audit(self) -> None:
        """The world saw nothing twice, and rows and ledger tell the same."""
        published = _seen(self.world, "instagram.publish", "caption")
        for post in self.ask("select * from posts where recipients = '{}'"):
            _agree(post, post.text, published[post.text], post.platform_post_id, {"published"})
        sent = _seen(self.world, "whatsapp.message", "to")
        for one in self.ask("select * from post_deliveries"):
            assert one.status in {"sent", "failed", "unknown"}
            _agree(one, one.recipient, sent[one.recipient], one.platform_message_id, {"sent"})
        assert self.ask("select id from posts where status not in ('published', 'failed', 'unknown')") == []
        assert self.ask("select id from post_runs where status = 'running'") == []
        assert self.ask(
            "select post.id from posts post left join post_runs run on run.post_id = post.id"
            " and run.status = 'success' where post.status = 'published'"
            " group by post.id having count(run.id) <> 1"
        ) == [], "each has the one run that published it"  # fmt: skip
        assert self.ask("select id from procrastinate_jobs where status in ('todo', 'doing')"
                        " and args ? 'post_id'") == []  # fmt: skip


def _seen(world: SimulatorServer, kind: str, key: str) -> dict[str, list[str]]:
    found = defaultdict(list)
    for effect in world.ledger(kind=kind):
        found[effect[key]].append(effect["id"])
    return found


def _agree(row: Any, name: str, seen: list[str], known: str | None, good: set[str]) -> None:
    assert len(seen) <= 1, f"{name} was seen {len(seen)} times"
    if row.status in good:
        assert seen == [known], f"{name} is {row.status}"
    elif row.status != "unknown":
        assert seen == [], f"{name} is {row.status}, and was seen"


async def _found(room: Newsroom) -> None:
    """A workspace and its channels, of the service."""
    async with opening(room.urls, room.home, room.world.url) as opened:
        async with opened.database.system_transaction(REASON) as session:
            workspace = await accounts.create_workspace(session, name="Newsroom")
        room.workspace = workspace.id
        for platform, external_id in (("instagram", "17841400000000001"), ("whatsapp", "106540352242922")):
            new = {"platform": platform, "name": platform, "external_id": external_id}
            async with opened.database.transaction(workspace.id) as session:
                channel = await channels.connect(
                    session, opened.cipher, workspace.id, new, access_token="EAAtoken", actor="chaos"
                )
            room.channel[platform] = channel.id


@contextlib.contextmanager
def newsroom_on(urls: Urls, home: Path, nursery: Nursery, world: SimulatorServer) -> Iterator[Newsroom]:
    world.reset()
    world.set_up(quota_total=10_000)
    room = Newsroom(urls, home, nursery, world=world)
    asyncio.run(_found(room))
    yield room
    room.end()
    world.clear_faults()


@pytest.fixture(scope="module")
def newsroom(
    server: EmbeddedServer, template: str, tmp_path_factory, nursery: Nursery, outside_world
) -> Iterator[Newsroom]:
    """One for all tests of a module: each leaves it with everything settled, and a worker who lives."""
    home = tmp_path_factory.mktemp("newsroom")
    with (
        cluster.created(server, template) as name,
        newsroom_on(urls_of(server, name), home, nursery, outside_world) as room,
    ):
        yield room
