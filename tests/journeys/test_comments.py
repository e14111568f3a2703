"""A crowd comments while the post is read: half is told of, twice and out of order; some take back what they
wrote; the platform answers badly now and then, and a worker dies.
"""

import asyncio
import signal
import time
from collections import Counter

import httpx
import psycopg
import pytest
from psycopg.rows import namedtuple_row

from tests.journeys.conftest import free_port, wait_for
from tests.journeys.test_first_journey import connect, found_workspace
from tests.journeys.test_inbox import SECRET

pytestmark = [pytest.mark.journey, pytest.mark.timeout(900)]

ACCOUNT = "17841400000000001"
COMMENTS = ("procrastinate", "worker", "-q", "scheduler,comments", "--name")
QUESTION, ANSWER = "When do you open?", "We open every day at nine in the morning."
HALF = 150
HALF_OF_A_CROWD = 1_000
PACE = 50
"""Comments a second, in each half."""
EVERY = 25
"""So many, one asks."""
NOISE = "Meanwhile, number {n}"
TALK = [NOISE] * (EVERY - 1) + [QUESTION]
SETTLED = """
update limits set blocked_until = null where blocked_until is not null;
update comment_replies set effect_at = effect_at - interval '91 seconds'
where status = 'sending' and effect_at > now() - interval '4 minutes' and not exists (
    select from procrastinate_jobs where status = 'doing' and task_name = 'comments.process_comment');
update procrastinate_jobs set scheduled_at = now() where id in (
    select id from procrastinate_jobs
    where status = 'todo' and queue_name = 'comments' and scheduled_at > now() for update skip locked)
"""
TICK = """
update limits set blocked_until = null where blocked_until is not null;
with due as (
    update posts set next_check_at = now() where not exists (
        select from procrastinate_jobs
        where status in ('todo', 'doing') and task_name = 'comments.poll_post_comments')
    returning id
)
insert into procrastinate_jobs (queue_name, task_name, args, priority)
select 'comments', 'comments.poll_post_comments', '{}', 5 from due
"""
LEFT = """
select (select count(*) from comments where work is not null)
    + (select count(*) from comment_replies where status in ('queued', 'sending'))
    + (select count(*) from procrastinate_jobs where status in ('todo', 'doing') and queue_name = 'comments')
"""
STORED = """
select comment.platform_comment_id, comment.text, count(decision.id) as decisions
from comments comment left join ai_decisions decision
    on decision.subject_id = comment.id and decision.context_type = 'comment'
where not comment.own group by comment.id
"""


@pytest.fixture
def api(installation, fresh, simulator):
    """The API, whom the world tells, and two workers."""
    port = free_port()
    installation.environment["META_APP_SECRET"] = SECRET
    installation.environment |= {"OPENAI_BASE_URL": f"{simulator.url}/v1", "OPENAI_API_KEY": "a key"}
    installation.start("uvicorn", "socialsync.app:app", "--port", str(port))
    key = asyncio.run(found_workspace(fresh))
    url = f"http://127.0.0.1:{port}"
    simulator.tell(url, SECRET)
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=10) as client:
        wait_for(lambda: client.get("/health/ready").status_code == 200, "readiness")
        yield client


def ask(fresh, sql: str):
    with psycopg.connect(fresh.owner, autocommit=True, row_factory=namedtuple_row) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchall() if cursor.description else []


def published(api, channel_id: str, fresh) -> str:
    """The medium of a post that went out."""
    body = {"channel_id": channel_id, "text": "Fresh", "media_urls": ["https://example.com/s.jpg"]}
    path = f"/api/v1/posts/{api.post('/api/v1/posts', json=body).json()['id']}"
    api.post(f"{path}/publish").raise_for_status()
    wait_for(lambda: api.get(path).json()["status"] == "published", "publication")
    return ask(fresh, "select platform_post_id from posts")[0].platform_post_id


def crowd(simulator, media: str, half: int) -> tuple[list[str], float]:
    """Two halves, side by side at the same pace: their ids, in pairs; and when the first ones wrote."""
    of_all = {"match": {"account": ACCOUNT}, "times": None}
    began = time.time()
    quiet = {"media_id": media, "count": half, "per_s": PACE, "texts": TALK}
    simulator.fault(action="no_comments", **of_all)
    unheard = simulator.comments(crowds=[quiet])["ids"]
    simulator.clear_faults()
    simulator.fault(action="duplicate_comments", **of_all)
    simulator.fault(action="reorder_comments", probability=0.5, **of_all)
    told = [
        {
            "media_id": media,
            "text": TALK[n % EVERY].replace("{n}", f"{n + 1} too"),
            "username": f"told_{n}",
            "at": int(began) + 1 + n // PACE,
        }
        for n in range(half)
    ]
    heard = simulator.comments(comments=told)["ids"]
    return [each for pair in zip(unheard, heard, strict=True) for each in pair], began


def bad_weather(simulator) -> None:
    """429s, 500s before and after, and answers that are lost."""
    pages, replies = {"kind": "instagram.comments"}, {"kind": "instagram.reply"}
    for match in (pages, replies):
        simulator.fault(action="retry_after", retry_after_s=1, match=match, times=2, skip=2)
        simulator.fault(action="status", status=500, match=match, times=2, skip=4)
    simulator.fault(action="status", status=500, when="after", match=replies, times=2, skip=6)
    simulator.fault(action="lost_answer", match=replies, times=2, skip=8)


def look(fresh) -> None:
    """The post is due, and a tick reads it, unless one does."""
    ask(fresh, TICK)


def test_every_comment_of_a_crowd_is_stored_decided_and_answered_once(
    installation, api, simulator, fresh, thorough
):
    half = HALF_OF_A_CROWD if thorough else HALF
    workers = [installation.start(*COMMENTS, name) for name in ("one", "two")]
    media = published(api, connect(api, "instagram", ACCOUNT), fresh)
    know = {"question": QUESTION, "answer": ANSWER}
    assert api.post("/api/v1/faqs", json=know).status_code == 201
    rule = {"name": "noise", "kind": "word", "pattern": "meanwhile", "decision": "IGNORE"}
    assert api.post("/api/v1/decision-rules", json=rule).status_code == 201
    wait_for(lambda: "2 worker" in api.get("/health").text, "two workers")

    ids, began = crowd(simulator, media, half)
    bad_weather(simulator)
    gone = reading(simulator, fresh, ids, began, lambda: replace(installation, workers))
    there = set(ids) - gone
    wait_for(lambda: finished(fresh, there), "all comments are read and settled", 600 if thorough else 200)

    stored = ask(fresh, STORED)
    known = Counter(row.platform_comment_id for row in stored)
    assert there <= set(known) <= set(ids)
    assert set(known.values()) == {1}
    assert [row for row in stored if row.decisions != 1] == []
    effects = simulator.ledger(kind="instagram.reply")
    answered = Counter(effect["comment_id"] for effect in effects)
    asked = {row.platform_comment_id for row in stored if row.text == QUESTION}
    assert len(asked) == 2 * half // EVERY
    assert answered == dict.fromkeys(asked, 1)
    assert {effect["text"] for effect in effects} == {ANSWER}
    assert all(fault["hits"] for fault in simulator.faults())


def reading(simulator, fresh, ids: list[str], began: float, kill) -> set[str]:
    """Look again and again while the crowd writes and some take it back; in the middle a worker dies."""
    gone: set[str] = set()
    lasts = len(ids) / 2 / PACE
    while (elapsed := time.time() - began) < lasts + 2:
        look(fresh)
        written = 2 * int(max(0.0, elapsed - 2) * PACE)
        for place in range(0, min(written, len(ids)), 97):
            if ids[place] not in gone and place // 2 % EVERY != EVERY - 1:
                simulator.comments(deletions=[ids[place]])
                gone.add(ids[place])
        if elapsed > lasts / 2 and kill:
            kill()
            kill = None
        time.sleep(1)  # the crowd writes meanwhile
    return gone


def replace(installation, workers) -> None:
    workers[0].send_signal(signal.SIGKILL)
    workers[0].wait()
    installation.start(*COMMENTS, "three")


def finished(fresh, there: set[str]) -> bool:
    """Whether all that still stands there is stored and handled; time passes for what is to be settled."""
    stored = {row.platform_comment_id for row in ask(fresh, "select platform_comment_id from comments")}
    if not there <= stored:
        look(fresh)
        time.sleep(1)  # for the tick
        return False
    ask(fresh, SETTLED)
    return ask(fresh, LEFT)[0][0] == 0
