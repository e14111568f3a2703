"""Comments: how long a tick takes that finds thousands of watched posts due, on a slow platform."""

import http.client
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.figures import number, size, times
from bench.ground import REPOSITORY, Connection
from bench.options import Options
from bench.processes import Process
from bench.progress import step
from bench.reports import Report, Table
from bench.rivals.procrastinates import Ours
from bench.scenarios.lineup import Lineup
from bench.scenarios.posts import _cpu, _free_port
from socialsync import registry
from socialsync.db.encryption import Cipher
from socialsync.db.urls import as_app

MEANING = (
    "Watched posts of a hundred accounts, all due, are polled by one tick with two stock workers. The"
    " platform, a server of its own on the same two cores, answers each call after 100 ms with ten comments."
    " First every comment is new, then none is. Beside it a plain loop: one call after the other, one insert"
    " each, extrapolated."
)
GOALS = "Goal: within 290 s, for by then the next tick comes."
PAUSE_S = 0.1
COMMENTS = 10
ACCOUNTS = 100
LOOPED = 100
"""Posts that the plain loop reads; the rest is extrapolated."""
_KEY = "the benchmark's key"
_WORKSPACE = "00000000-0000-7000-8000-000000000001"
_FURNISH = (
    "truncate workspaces cascade",
    "truncate procrastinate_jobs, procrastinate_events restart identity cascade",
    "delete from limits",
    f"insert into workspaces (id, name) values ('{_WORKSPACE}', 'bench')",  # noqa: S608 - ours
)
_CHANNELS = """
insert into channels (workspace_id, platform, name, external_id, token_encrypted)
select %s, 'instagram', 'account ' || n, (17841400000000000 + n)::text, %s from generate_series(1, %s) n
"""
_POSTS = """
insert into posts (workspace_id, channel_id, status, text, platform_post_id, published_at, stop_at, origin)
select %s, channels.id, 'published', 'post', (18000000000000000 + row_number() over ())::text,
    now() - interval '1 hour', now() + interval '6 days', 'platform'
from channels, generate_series(1, %s)
"""
_DUE = "update posts set next_check_at = now() - random() * interval '5 minutes'"
_TICK = """
insert into procrastinate_jobs (queue_name, task_name, args, priority)
values ('comments', 'comments.poll_post_comments', '{}', 5)
"""
_LEFT = """
select (select count(*) from procrastinate_jobs where status in ('todo', 'doing') and queue_name = 'comments')
"""
_CHECKED = "select count(*), coalesce(sum(polls), 0), count(error) from comment_watches"
_STORED = "select count(*), count(distinct platform_comment_id) from comments"
_INSERT = "insert into plain_comments (id, body) values (%s, %s) on conflict do nothing"


@dataclass(frozen=True)
class Tick:
    """What one came to."""

    took: float
    asked: int
    memory: int
    cpu: float


def measure(lineup: Lineup, options: Options) -> Report:
    rival = lineup.get(Ours)
    registry.load()
    each = max(1, options.jobs(5_000) // ACCOUNTS)
    posts = each * ACCOUNTS
    _furnish(rival.connection, each)
    port, folder = _free_port(), rival.ground.folder
    environment = {
        "DATABASE_URL": as_app(rival.ground.url(rival.database)),
        "SOCIALSYNC_HOME": str(folder),
        "SOCIALSYNC_SECRET_KEY": _KEY,
        "META_GRAPH_URL": f"http://127.0.0.1:{port}",
        "PROCRASTINATE_APP": "socialsync.worker.app",
        "PYTHONPATH": str(REPOSITORY / "src"),
    }
    app = Path(__file__).parent.parent / "apps" / "slow_graph.py"
    command = [sys.executable, str(app), str(port), str(PAUSE_S), str(COMMENTS)]
    worker = [str(Path(sys.executable).parent / "procrastinate"), "worker", "-q", "comments"]
    with (
        Process(command, {}, folder, "slow graph") as world,
        Process(worker, environment, folder, "reader 1") as one,
        Process(worker, environment, folder, "reader 2") as two,
    ):
        _ready(port, world)
        readers = (one, two)
        with step(f"comments: {posts:,} posts, all new"):
            first = _tick(rival.connection, port, readers)
        with step(f"comments: {posts:,} posts, nothing new"):
            second = _tick(rival.connection, port, readers)
        _check(rival.connection, posts)
        with step(f"comments: {LOOPED} posts one by one"):
            looped = _one_by_one(rival.connection, port) * posts / LOOPED
    return _report(posts, first, second, looped)


def _report(posts: int, first: Tick, second: Tick, looped: float) -> Report:
    table = Table([f"{posts:,} posts", "took", "posts a second", "calls", "CPU a post", "peak memory each"])
    for name, tick in (("every comment new", first), ("nothing new", second)):
        figures = [f"{tick.took:.1f} s", number(posts / tick.took), f"{tick.asked:,}"]
        table.rows.append([name, *figures, f"{tick.cpu / posts * 1e3:.1f} ms", size(tick.memory)])
    figures = [f"{looped:.0f} s", number(posts / looped), f"{posts:,}", "", ""]
    table.rows.append([f"one by one, extrapolated ({times(looped / second.took)})", *figures])
    data: dict[str, Any] = {
        "posts": posts, "first": vars(first), "second": vars(second), "one_by_one_s": looped,
    }  # fmt: skip
    return Report("comments", MEANING, [table], [GOALS], data)


def _furnish(connection: Connection, each: int) -> None:
    for statement in _FURNISH:
        connection.execute(statement.encode())
    connection.execute(_CHANNELS, [_WORKSPACE, Cipher([_KEY]).encrypt("EAAbench"), ACCOUNTS])
    connection.execute(_POSTS, [_WORKSPACE, each])
    connection.execute("vacuum analyze posts, channels, comments, procrastinate_jobs")


def _tick(connection: Connection, port: int, readers: tuple[Process, ...]) -> Tick:
    """All posts are due; until nothing is left to do."""
    connection.execute(_DUE.encode())
    asked, used, memory = _asked(port), sum(map(_cpu, readers)), 0
    began = time.perf_counter()
    connection.execute(_TICK.encode())
    while _one(connection, _LEFT)[0]:
        for reader in readers:
            reader.check()
        memory = max(memory, *(reader.memory() for reader in readers))
        time.sleep(0.1)
    took = time.perf_counter() - began
    return Tick(took, _asked(port) - asked, memory, sum(map(_cpu, readers)) - used)


def _check(connection: Connection, posts: int) -> None:
    """Every post was read to its end twice, and every comment is there once."""
    found = (*_one(connection, _CHECKED), *_one(connection, _STORED))
    expected = (posts, 2 * posts, 0, posts * COMMENTS, posts * COMMENTS)
    if tuple(map(int, found)) != expected:
        raise RuntimeError(f"Found {found} instead of {expected}.")


def _one_by_one(connection: Connection, port: int) -> float:
    """Seconds for some posts."""
    connection.execute("create table if not exists plain_comments (id text primary key, body text)")
    media = connection.execute("select platform_post_id from posts limit %s", [LOOPED]).fetchall()
    line = http.client.HTTPConnection("127.0.0.1", port)
    began = time.perf_counter()
    for (media_id,) in media:
        line.request("GET", f"/v25.0/{media_id}/comments")
        body = line.getresponse().read().decode()
        connection.execute(_INSERT, [media_id, body])
    took = time.perf_counter() - began
    line.close()
    connection.execute("drop table plain_comments")
    return took * LOOPED / len(media)


def _one(connection: Connection, statement: str) -> tuple[Any, ...]:
    row = connection.execute(statement.encode()).fetchone()
    return row or ()


def _asked(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/asked", timeout=5) as answer:
        return int(answer.read())


def _ready(port: int, world: Process) -> None:
    while True:
        world.check()
        try:
            _asked(port)
        except OSError:
            time.sleep(0.1)
        else:
            return
