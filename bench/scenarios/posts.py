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

import psutil

from bench.figures import median, percent, size
from bench.ground import Connection
from bench.options import Options
from bench.processes import Died, Process
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
_ENQUEUED, _IMAGES, _MESSAGES = "due posts enqueued", "Instagram images", "a broadcast"
_SHARED = (
    "CPU is the worker's own for each post or message, which depends little on what else runs on the machine:"
    " at 80 a second, 12.5 ms are one whole core."
)
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
_OPEN = "select count(*) from posts where status in ('queued', 'publishing')"
_ASTRAY = "select status, error from posts where status <> 'published' limit 5"
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
    rival = lineup.get(Ours)
    registry.load()
    tables: list[Table] = []
    data: dict[str, Any] = {}
    if options.wants(_ENQUEUED):
        table, pairs = _enqueued(rival, options)
        tables.append(table)
        data["enqueue_s"] = pairs
    if options.wants(_IMAGES) or options.wants(_MESSAGES):
        table, sent = _published(rival, options)
        tables.append(table)
        data.update(sent)
    return Report("posts", MEANING, tables, [GOALS, _SHARED], data)


def _enqueued(rival: Ours, options: Options) -> tuple[Table, list[tuple[float, float]]]:
    due = options.jobs(20_000, 100_000)
    pairs: list[tuple[float, float]] = []
    memories: list[int] = []
    for _ in range(options.rounds):
        _furnish(rival.connection, due)
        with step(f"posts: {due:,} due, ours"):
            ours, before, after = asyncio.run(_enqueue(rival))
        _furnish(rival.connection, due)
        with step(f"posts: {due:,} due, plain SQL"):
            pairs.append((ours, _by_hand(rival.connection)))
        memories += [before, after]
    ours, plain = (median([pair[n] for pair in pairs]) for n in (0, 1))
    table = Table([_ENQUEUED, "ours", "plain SQL", "ours takes", "peak memory before", "after"])
    took = [f"{ours:.2f} s", f"{plain:.2f} s", percent(ours / plain)]
    table.rows = [[f"{due:,}", *took, size(memories[0]), size(memories[-1])]]
    return table, pairs


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
    table = Table(["one stock worker", "took", "a second", "of the limit", "CPU each"])
    data: dict[str, Any] = {"posts": posts, "recipients": recipients}
    _furnish(rival.connection, 0)
    simulator = [str(bin_ / "socialsync"), "simulator", "--port", str(port)]
    with Process(simulator, environment, folder, "simulator") as world:
        _ready(port, world)
        _set_up(port, quota_total=10_000_000, throughput_per_s=0)
        with Process(
            [str(bin_ / "procrastinate"), "worker", "-q", "scheduler"], environment, folder, "publisher"
        ) as worker:
            if options.wants(_IMAGES):
                took, cpu = _images(rival.connection, posts, worker)
                data |= {"images_s": took, "images_cpu_s": cpu}
                figures = [f"{took:.1f} s", f"{posts / took:.1f}", "", f"{cpu / posts * 1e3:.1f} ms"]
                table.rows.append([f"{posts:,} {_IMAGES}", *figures])
            if options.wants(_MESSAGES):
                took, cpu = _broadcast(rival.connection, recipients, worker)
                data |= {"broadcast_s": took, "broadcast_cpu_s": cpu}
                rate = recipients / took
                figures = [f"{took:.1f} s", f"{rate:.1f}", percent(rate / LIMIT)]
                table.rows.append(
                    [f"{_MESSAGES} to {recipients:,}", *figures, f"{cpu / recipients * 1e3:.1f} ms"]
                )
    return table, data


def _images(connection: Connection, count: int, worker: Process) -> tuple[float, float]:
    row = connection.execute("select id from channels where platform = 'instagram'").fetchone()
    connection.execute(_POSTS, [_WORKSPACE, row[0] if row else None, count])
    with step(f"posts: {count:,} images"):
        connection.execute(_BY_HAND)
        return _drained(connection, worker)


def _broadcast(connection: Connection, count: int, worker: Process) -> tuple[float, float]:
    token = Cipher([_KEY]).encrypt("EAAbench")
    row = connection.execute(_CHANNEL, [_WORKSPACE, "whatsapp", "wa", "106540352242922", token]).fetchone()
    connection.execute(
        "insert into limits (key, rate_per_s, burst, tokens) values ('whatsapp:106540352242922', 80, 80, 0)"
    )
    connection.execute(_BROADCAST, [_WORKSPACE, row[0] if row else None, count])
    with step(f"posts: a broadcast to {count:,}"):
        connection.execute(_BY_HAND)
        return _drained(connection, worker)


def _drained(connection: Connection, worker: Process) -> tuple[float, float]:
    """Seconds until no post is on its way any more, and the worker's own."""
    began, used = time.perf_counter(), _cpu(worker)
    while True:
        row = connection.execute(_OPEN.encode()).fetchone()
        if row and not row[0]:
            break
        worker.check()
        time.sleep(0.1)
    took, cpu = time.perf_counter() - began, _cpu(worker) - used
    if astray := connection.execute(_ASTRAY).fetchall():
        raise Died(f"Not every post went out: {astray}")
    return took, cpu


def _cpu(process: Process) -> float:
    used = psutil.Process(process.pid).cpu_times()
    return float(used.user + used.system)


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
