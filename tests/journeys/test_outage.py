"""The web door dies, webhooks are lost, people write; it comes back, and nobody is left without an answer."""

import asyncio
import signal
import time

import httpx
import psycopg
import pytest

from tests.journeys.conftest import free_port, wait_for
from tests.journeys.test_first_journey import connect, found_workspace
from tests.journeys.test_inbox import SECRET, TABLE

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

ACCOUNT = "17841400000000001"
PEOPLE = [f"12544777777729{n:02d}" for n in range(15)]
FROM_APP = PEOPLE[0]


@pytest.fixture
def house(installation, fresh, simulator):
    """Two workers, and a door to be opened and shut."""
    installation.environment["META_APP_SECRET"] = SECRET
    installation.environment |= {"OPENAI_BASE_URL": f"{simulator.url}/v1", "OPENAI_API_KEY": "a key"}
    for name in ("one", "two"):
        installation.start("procrastinate", "worker", "-q", "ingest,state", "--name", name)
    return installation


def open_door(house, port: int):
    process = house.start("uvicorn", "socialsync.app:app", "--port", str(port))
    url = f"http://127.0.0.1:{port}/health/ready"
    wait_for(lambda: _is_ready(url), "readiness")
    return process


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def write(simulator, person: str, text: str, **more) -> None:
    usual = {"platform": "instagram", "account": ACCOUNT, "person": person, "at": int(time.time())}
    simulator.happens(messages=[usual | {"id": f"{person}.{text}", "text": text} | more])


def answers(simulator) -> dict[str, list[str]]:
    seen: dict[str, list[str]] = {}
    for effect in simulator.ledger(kind="instagram.message"):
        seen.setdefault(effect["recipient"], []).append(effect["text"])
    return seen


def ask(fresh, sql: str):
    with psycopg.connect(fresh.owner, autocommit=True) as connection:
        connection.execute("select set_config('app.system_reason', 'a journey', false)")
        (found,) = connection.execute(sql).fetchone()
    return found


def test_whoever_wrote_during_an_outage_is_answered_once(house, fresh, simulator):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    door = open_door(house, port)
    key = asyncio.run(found_workspace(fresh))
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=10) as api:
        simulator.tell(url, SECRET)
        channel_id = connect(api, "instagram", ACCOUNT)
        at = f"/api/v1/channels/{channel_id}"
        quick = {"buffer_quiet_s": 0.5, "buffer_max_s": 2}
        assert api.patch(at, json=quick).status_code == 200
        faq = {"question": "Do you have a table for four?", "answer": TABLE}
        assert api.post("/api/v1/faqs", json=faq).status_code == 201
        wait_for(lambda: api.get(at).json()["caught_up_at"], "caught up on connecting")

        door.send_signal(signal.SIGKILL)
        door.wait()
        simulator.lose_webhooks()
        for person in PEOPLE:
            write(simulator, person, "Do you have a table for four?")
        write(simulator, FROM_APP, "Yes, sure", echo=True)
        # As if it had been away for ten minutes
        ask(fresh, "update pulses set beat_at = beat_at - interval '10 minutes' returning 1")

        simulator.lose_webhooks(False)
        open_door(house, port)
        wait_for(lambda: len(answers(simulator)) == len(PEOPLE) - 1, "everybody is answered")
        wait_for(lambda: api.get(at).json()["missed_since"] is None, "caught up")
        for person in PEOPLE:  # what was lost comes after all
            write(simulator, person, "Do you have a table for four?")
        wait_for(lambda: simulator.told()["waiting"] == 0, "all is told")
        humans = api.get("/api/v1/conversations", params={"mode": "human"}).json()["items"]
        assert len(humans) == 1
        assert ask(fresh, "select count(*) from message_windows where ended_at is null") == 0
    assert answers(simulator) == {person: [TABLE] for person in PEOPLE if person != FROM_APP}
    actions = {effect["action"] for effect in simulator.ledger(kind="instagram.sender_action")}
    assert actions == {"mark_seen", "typing_on"}
