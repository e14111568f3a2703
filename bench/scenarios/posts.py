"""Posts: how fast due ones are enqueued, and how fast they and a broadcast go out to the simulator."""

import asyncio
import json
import resource
import socket
import sys
import time
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.figures import median, number, percent, size
from bench.ground import Connection
from bench.options import Options
from bench.processes import Process
from bench.progress import step
from bench.reports import Report, Table
from bench.rivals.procrastinates import Ours
from bench.scenarios.lineup import Lineup
from socialsync import registry
from socialsync.db.encryption import Cipher
from socialsync.db.engine import create_engine
from socialsync.db.transaction import Database
from socialsync.db.urls import Urls, as_app
from socialsync.features.posts import service

MEANING = (
    "Due posts are enqueued by `posts.service.enqueue_due`, 10,000 a statement, beside the same by plain"
    " set-based SQL (one update, one insert of jobs, one of runs, in one transaction). Then one stock worker"
    " publishes Instagram images, and sends a broadcast under WhatsApp's 80 messages a second, to the"
    " simulator, which shares the two cores."
)
GOALS = "Goals: at most twice the time of plain SQL, flat memory; the broadcast within 10 % of its limit."
LIMIT = 80.0
_KEY = "the benchmark's key"
_BY_HAND = """
with taken as materialized (
    update posts set status = 'publishing', attempt = attempt + 1, error = null, updated_at = now()
    where id in (select id from posts where status = 'queued' and due_at <= now() order by due_at limit 10000
        for update skip locked)
    returning id, workspace_id, attempt
), born as (
    insert into procrastinate_jobs (queue_name, task_name, priority, lock, args, x_limit_key)
    select 'scheduler', 'posts.publish_post', 0, 'post:' || id,
        jsonb_build_object('workspace_id', workspace_id, 'post_id', id), 'instagram:1' from taken
    returning id, args
)
insert into post_runs (workspace_id, post_id, attempt, job_id)
select taken.workspace_id, taken.id, taken.attempt, born.id
from born join taken on taken.id = (born.args ->> 'post_id')::uuid
"""
_FURNISH = """
truncate workspaces cascade; truncate procrastinate_jobs, procrastinate_events restart identity cascade;
delete from limits;
insert into workspaces (id, name) values ('00000000-0000-7000-8000-000000000001', 'bench')
"""
_WORKSPACE = "00000000-0000-7000-8000-000000000001"
_CHANNEL = """
insert into channels (workspace_id, platform, name, external_id, token_encrypted)
values (%s, %s, %s, %s, %s) returning id
"""
_POSTS = """
insert into posts (workspace_id, channel_id, status, text, media_urls, media_type, publish_at)
select %s, %s, 'queued', 'post ' || n, '{https://example.com/a.jpg}', 'image', now() - interval '1 second'
from generate_series(1, %s) n
"""
_BROADCAST = """
insert into posts (workspace_id, channel_id, status, text, recipients, publish_at)
select %s, %s, 'queued', 'hello', array(select '+336' || lpad(n::text, 8, '0') from generate_series(1, %s) n),
    now() - interval '1 second'
"""


def measure(lineup: Lineup, options: Options) -> Report:
    due = options.jobs(20_000, 100_000)
    rival = lineup.get(Ours)
    registry.load()
    ratios, memories = [], []
    table = Table(["due posts enqueued", "ours", "plain SQL", "ours takes", "memory before", "after"])
    for _ in range(options.rounds):
        _furnish(rival.connection, due)
        with step(f"posts: {due:,} due, ours"):
            ours, before, after = asyncio.run(_enqueue(rival))
        _furnish(rival.connection, due)
        with step(f"posts: {due:,} due, plain SQL"):
            plain = _by_hand(rival.connection)
        ratios.append((ours, plain))
        memories.append((before, after))
    ours, plain = (median([pair[n] for pair in ratios]) for n in (0, 1))
    first, last = memories[0][0], memories[-1][1]
    table.rows = [
        [f"{due:,}", f"{ours:.2f} s", f"{plain:.2f} s", percent(ours / plain), size(first), size(last)]
    ]
    sent, data = _published(rival, options)
    return Report("posts", MEANING, [table, sent], [GOALS], {"enqueue_s": ratios, **data})


def _furnish(connection: Connection, due: int) -> None:
    for statement in _FURNISH.split(";"):
        connection.execute(statement.encode())
    token = Cipher([_KEY]).encrypt("EAAbench")
    row = connection.execute(_CHANNEL, [_WORKSPACE, "instagram", "ig", "1784140000000001", token]).fetchone()
    if due:
        connection.execute(_POSTS, [_WORKSPACE, row[0] if row else None, due])
    connection.execute("vacuum analyze posts, procrastinate_jobs, post_runs")


async def _enqueue(rival: Ours) -> tuple[float, int, int]:
    url = as_app(rival.ground.url(rival.database))
    engine = create_engine(Urls(app=url, direct=url, owner=url))
    database = Database(engine)
    before = _peak()
    began = time.perf_counter()
    more = True
    while more:
        async with database.system_transaction("the benchmark") as session:
            more = (await service.enqueue_due(session, now=datetime.now(UTC), named=100)).more
    took = time.perf_counter() - began
    await engine.dispose()
    return took, before, _peak()


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _by_hand(connection: Connection) -> float:
    began = time.perf_counter()
    while connection.execute(_BY_HAND).rowcount:
        pass
    return time.perf_counter() - began


def _published(rival: Ours, options: Options) -> tuple[Table, dict[str, Any]]:
    posts, recipients = options.jobs(300, 2_000), options.jobs(2_000, 10_000)
    port = _free_port()
    folder = rival.ground.folder
    environment = {
        "DATABASE_URL": as_app(rival.ground.url(rival.database)),
        "SOCIALSYNC_HOME": str(folder),
        "SOCIALSYNC_SECRET_KEY": _KEY,
        "META_GRAPH_URL": f"http://127.0.0.1:{port}",
        "PROCRASTINATE_APP": "socialsync.worker.app",
    }
    bin_ = Path(sys.executable).parent
    table = Table(["one stock worker", "took", "a second", "of the limit"])
    _furnish(rival.connection, 0)
    simulator = [str(bin_ / "socialsync"), "simulator", "--port", str(port)]
    with Process(simulator, environment, folder, "simulator") as world:
        _ready(port, world)
        _set_up(port, quota_total=10_000_000, throughput_per_s=0)
        with Process(
            [str(bin_ / "procrastinate"), "worker", "-q", "scheduler"], environment, folder, "publisher"
        ) as worker:
            took = _images(rival.connection, posts, worker)
            table.rows.append([f"{posts:,} Instagram images", f"{took:.1f} s", number(posts / took), ""])
            sent = _broadcast(rival.connection, recipients, worker)
            rate = recipients / sent
            table.rows.append(
                [f"a broadcast to {recipients:,}", f"{sent:.1f} s", number(rate), percent(rate / LIMIT)]
            )
    return table, {"images_s": took, "broadcast_s": sent, "posts": posts, "recipients": recipients}


def _images(connection: Connection, count: int, worker: Process) -> float:
    row = connection.execute("select id from channels where platform = 'instagram'").fetchone()
    connection.execute(_POSTS, [_WORKSPACE, row[0] if row else None, count])
    with step(f"posts: {count:,} images"):
        connection.execute(_BY_HAND)
        began = time.perf_counter()
        _until(connection, "select count(*) = 0 from posts where status in ('queued', 'publishing')", worker)
        return time.perf_counter() - began


def _broadcast(connection: Connection, count: int, worker: Process) -> float:
    token = Cipher([_KEY]).encrypt("EAAbench")
    row = connection.execute(_CHANNEL, [_WORKSPACE, "whatsapp", "wa", "106540352242922", token]).fetchone()
    connection.execute(
        "insert into limits (key, rate_per_s, burst, tokens) values ('whatsapp:106540352242922', 80, 80, 0)"
    )
    connection.execute(_BROADCAST, [_WORKSPACE, row[0] if row else None, count])
    with step(f"posts: a broadcast to {count:,}"):
        connection.execute(_BY_HAND)
        began = time.perf_counter()
        _until(connection, "select count(*) = 0 from posts where status in ('queued', 'publishing')", worker)
        return time.perf_counter() - began


def _until(connection: Connection, question: str, worker: Process) -> None:
    while True:
        row = connection.execute(question.encode()).fetchone()
        if row and row[0]:
            return
        worker.check()
        time.sleep(0.1)


def _ready(port: int, world: Process) -> None:
    while True:
        world.check()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_sim/health", timeout=2):
                return
        except OSError:
            time.sleep(0.2)


def _set_up(port: int, **changes: Mapping[str, Any] | int) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/_sim/setup",
        data=json.dumps(changes).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=5):  # noqa: S310 - ours
        pass


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
