"""Thousands of webhook events; Postgres crashes in the middle of them and stays away for twenty seconds."""

import asyncio
import random
import time
from collections import Counter

import httpx
import psycopg
import pytest

from socialsync.db.embedded import OWNER, EmbeddedServer
from tests import cluster
from tests.journeys.conftest import free_port, wait_for
from tests.journeys.test_first_journey import connect, found_workspace

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

SECRET = "the secret of a storm"
AWAY_S = 20.0
DURABLE = {"fsync": "off", "full_page_writes": "off", "max_connections": "100"}
"""What it has committed survives its crash, though not the machine's."""
TALKERS = ["106540352242922"]
"""Numbers for which the AI answers; for the others a person is asked for."""
LISTENERS = ["106540352242923", "106540352242924", "106540352242925", "106540352242926"]
PEOPLE = [f"336123{n:05d}" for n in range(50)]
"""Of each number, in a storm; in a squall some of them."""
SQUALL = 800, PEOPLE[:20]
STORM = 10_000, PEOPLE
SINGLE = 20
"""Of so many events one comes alone."""
BODY = 25
TABLE = "Yes, we keep a table for four every evening."
LEFT = """
select (select count(*) from message_windows where ended_at is null)
    + (select count(*) from messages where status in ('queued', 'sending'))
    + (select count(*) from webhook_events where handled_at is null)
"""


@pytest.fixture
def own_server(folder, quick_path):
    """One that survives its crash."""
    home = quick_path / "own home"
    cluster.seed(folder, home)
    server = EmbeddedServer(home, DURABLE)
    server.ensure_running()
    yield server
    server.stop()


@pytest.fixture
def fresh(own_server):
    """The installation's database is on the server of this test."""
    cluster.migrate(own_server.url(OWNER))
    return cluster.urls_of(own_server, "socialsync")


@pytest.fixture
def house(installation, fresh, simulator):
    """A door, two workers, and accounts that the world writes to."""
    port = free_port()
    installation.environment |= {
        "META_APP_SECRET": SECRET,
        "OPENAI_BASE_URL": f"{simulator.url}/v1",
        "OPENAI_API_KEY": "a key",
        "SOCIALSYNC_LOG_LEVEL": "warning",
    }
    installation.start("uvicorn", "socialsync.app:app", "--port", str(port), "--no-access-log")
    for name in ("one", "two"):
        installation.start(
            "procrastinate", "worker", "-q", "ingest,state", "--name", name, "--concurrency", "20"
        )
    key = asyncio.run(found_workspace(fresh))
    url = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=20) as api:
        wait_for(lambda: "2 worker" in api.get("/health").text, "two workers")
        for number in (*TALKERS, *LISTENERS):
            path = f"/api/v1/channels/{connect(api, 'whatsapp', number)}"
            ai = {"ai_enabled_for_chats": number in TALKERS, "buffer_quiet_s": 30, "buffer_max_s": 60}
            assert api.patch(path, json=ai).status_code == 200
        faq = {"question": "Do you have a table for four?", "answer": TABLE}
        assert api.post("/api/v1/faqs", json=faq).status_code == 201
        simulator.set_up(pair_burst=1_000, throughput_per_s=0, statuses=["sent"])
        simulator.tell(url, SECRET, calls=16)
        yield installation


def storm(events: int, people: list[str]) -> tuple[set[str], list[dict]]:
    """The ids of all messages, and the bodies that tell them; some events come in two bodies."""
    chance = random.Random(7)  # noqa: S311 - the same storm each time
    told = []
    for n in range(events):
        number = chance.choice([*TALKERS, *LISTENERS])
        told.append((number, chance.choice(people), f"wamid.{n}"))
    several = [told[start : start + BODY] for start in range(0, events - events // SINGLE, BODY)]
    twice = [chance.sample(told, BODY) for _ in range(len(several) // 10)]
    together = [*several, *twice, *([each] for each in told[events - events // SINGLE :])]
    chance.shuffle(together)
    return {message_id for *_, message_id in told}, [_body(events) for events in together]


def _body(events: list[tuple[str, str, str]]) -> dict:
    now = str(int(time.time()))
    entries = []
    for number in dict.fromkeys(number for number, *_ in events):
        mine = [(person, message_id) for of, person, message_id in events if of == number]
        value = {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": number, "phone_number_id": number},
            "contacts": [{"profile": {"name": person}, "wa_id": person} for person, _ in mine],
            "messages": [
                {
                    "from": person,
                    "id": message_id,
                    "timestamp": now,
                    "type": "text",
                    "text": {"body": "Do you have a table for four?"},
                }
                for person, message_id in mine
            ],
        }
        entries.append({"id": f"9{number}", "changes": [{"field": "messages", "value": value}]})
    return {"object": "whatsapp_business_account", "entry": entries}


def rows(fresh, sql: str) -> list[tuple]:
    with psycopg.connect(fresh.owner, autocommit=True) as connection:
        connection.execute("select set_config('app.system_reason', 'a journey', false)")
        return connection.execute(sql).fetchall()


def test_nothing_is_lost_and_nothing_answered_twice(house, own_server, fresh, simulator, thorough):
    events, people = STORM if thorough else SQUALL
    ids, bodies = storm(events, people)
    for start in range(0, len(bodies), 100):
        some = bodies[start : start + 100]
        simulator.happens(bodies=[{"platform": "whatsapp", "body": body} for body in some])
    wait_for(lambda: simulator.told()["told"] > len(bodies) / 4, "a quarter of the storm")
    own_server._run("pg_ctl", "stop", "--mode", "immediate", "-D", str(own_server.data))
    gone_at = time.monotonic()
    wait_for(lambda: simulator.told()["refused"] > 0, "a refusal")
    time.sleep(max(0.0, gone_at + AWAY_S - time.monotonic()))
    own_server.ensure_running()

    wait_for(lambda: simulator.told()["waiting"] == 0, "all is told", 240)
    wait_for(lambda: rows(fresh, LEFT) == [(0,)], "all is looked after", 240)
    wait_for(lambda: simulator.told()["waiting"] == 0, "their statuses are told")
    told = simulator.told()
    assert (told["given_up"], told["lost"]) == (0, 0)
    assert told["refused"] > 0

    inbound = rows(fresh, "select platform_message_id from messages where direction = 'inbound'")
    assert Counter(message_id for (message_id,) in inbound) == Counter(ids)
    assert rows(fresh, "select count(*) from messages where direction = 'inbound' and window_id is null") == [
        (0,)
    ]
    outcomes = dict(rows(fresh, "select outcome, count(*) from message_windows group by outcome"))
    assert outcomes.keys() <= {"answered", "escalated", "merged"}
    _each_answer_went_out_once(house, fresh, simulator, people)


def _each_answer_went_out_once(house, fresh, simulator, people) -> None:
    sent = simulator.ledger(kind="whatsapp.message")
    heard = Counter((effect["account"], effect["to"].removeprefix("+")) for effect in sent)
    unheard = {(number, person) for number in TALKERS for person in people} - set(heard)
    assert not unheard, "\n".join(str(row) for _, person in unheard for row in _story(fresh, person))
    answered = rows(
        fresh,
        """
        select channel.external_id, ltrim(contact.phone, '+'), count(*)
        from message_windows done
        join conversations conversation on conversation.id = done.conversation_id
        join contacts contact on contact.id = conversation.contact_id
        join channels channel on channel.id = conversation.channel_id
        where done.outcome = 'answered' group by 1, 2
        """,
    )
    outbound = rows(fresh, "select status, count(*) from messages where direction = 'outbound' group by 1")
    assert outbound == [("sent", len(sent))], _told(house, fresh)
    assert heard == {(number, person): count for number, person, count in answered}
    assert len({effect["biz_opaque_callback_data"] for effect in sent}) == len(sent)


def _story(fresh, person: str) -> list[tuple]:
    """What became of somebody's windows, for who reads why a test failed."""
    return rows(
        fresh,
        f"""
        select conversation.mode, conversation.needs_person_why, done.outcome, done.reason,
            done.dropped, done.opened_at::text, done.ended_at::text, (
                select array_agg(concat_ws(' ', message.status, message.error)) from messages message
                where message.window_id = done.id and message.direction = 'outbound')
        from message_windows done
        join conversations conversation on conversation.id = done.conversation_id
        join contacts contact on contact.id = conversation.contact_id
        join channels channel on channel.id = conversation.channel_id
        where ltrim(contact.phone, '+') = '{person}' and channel.ai_enabled_for_chats
        order by done.opened_at
        """,  # noqa: S608 - a name of ours
    )


def _told(house, fresh) -> str:
    """What became of those that were not sent, and what the workers complained of."""
    odd = rows(
        fresh,
        "select message.*, outbox.* from messages message join outbox on outbox.message_id = message.id"
        " where message.status <> 'sent'",
    )
    complaints = (house.log(process)[-4_000:] for process in house.processes[1:])
    return "\n".join([*map(str, odd), *complaints])
