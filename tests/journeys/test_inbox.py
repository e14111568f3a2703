"""People write in bursts, are told twice and out of order; a person answers; two workers, real webhooks."""

import asyncio
import random
import time
from collections import Counter

import httpx
import pytest

from socialsync.features.conversations.wording import HANDED_OVER, LATER
from tests.journeys.conftest import free_port, wait_for
from tests.journeys.test_first_journey import connect, found_workspace

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

NUMBER = "106540352242922"
OTHER_NUMBER = "106540352242923"
SECRET = "the secret of a journey"
TABLE = "Yes, we keep a table for four every evening."
PEOPLE = [f"336123{n:05d}" for n in range(12)]


@pytest.fixture
def api(installation, fresh, simulator):
    """The API, whom the world tells, and two workers."""
    port = free_port()
    installation.environment["META_APP_SECRET"] = SECRET
    installation.environment |= {"OPENAI_BASE_URL": f"{simulator.url}/v1", "OPENAI_API_KEY": "a key"}
    installation.start("uvicorn", "socialsync.app:app", "--port", str(port))
    for name in ("one", "two"):
        installation.start("procrastinate", "worker", "-q", "ingest,state", "--name", name)
    key = asyncio.run(found_workspace(fresh))
    url = f"http://127.0.0.1:{port}"
    simulator.tell(url, SECRET)
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=10) as client:
        wait_for(lambda: client.get("/health/ready").status_code == 200, "readiness")
        wait_for(lambda: "2 worker" in client.get("/health").text, "two workers")
        yield client


def write(simulator, *texts: str, person: str, number: int = 0, account: str = NUMBER) -> None:
    """Each message twice, in any order."""
    told = [
        {
            "platform": "whatsapp",
            "account": account,
            "person": person,
            "text": text,
            "id": f"wamid.{person}.{number}.{place}",
        }
        for place, text in enumerate(texts)
    ] * 2
    random.Random(person).shuffle(told)  # noqa: S311 - the same story each time
    simulator.happens(messages=told)


def conversations(api, **query) -> list[dict]:
    return api.get("/api/v1/conversations", params={"limit": 200, **query}).json()["items"]


def sent_to(simulator) -> dict[str, list[str]]:
    seen: dict[str, list[str]] = {}
    for effect in simulator.ledger(kind="whatsapp.message"):
        seen.setdefault(effect["to"], []).append(effect["text"])
    return seen


def test_bursts_of_many_people_and_a_person_who_answers(installation, api, simulator):
    channel_id = connect(api, "whatsapp", NUMBER)
    answer = api.patch(f"/api/v1/channels/{channel_id}", json={"buffer_quiet_s": 1.5, "buffer_max_s": 4})
    assert answer.status_code == 200, answer.text
    known = api.post("/api/v1/faqs", json={"question": "Do you have a table for four?", "answer": TABLE})
    assert known.status_code == 201, known.text

    for person in PEOPLE:
        write(simulator, "Hi", "do you have a table", "for four?", person=person)
    wait_for(lambda: len(sent_to(simulator)) == len(PEOPLE), "everybody is answered")
    assert sent_to(simulator) == {f"+{person}": [TABLE] for person in PEOPLE}

    for person in PEOPLE:
        write(simulator, "I want to talk to a human", person=person, number=1)
    wait_for(lambda: len(conversations(api, needs_person=True)) == len(PEOPLE), "a person is asked for")
    # Who takes over before that is sent stops it, as they should
    wait_for(lambda: {len(texts) for texts in sent_to(simulator).values()} == {2}, "everybody is told so")
    for one in conversations(api):
        path = f"/api/v1/conversations/{one['id']}"
        assert api.put(f"{path}/takeover").json()["mode"] == "human"
        for text in ("Yes!", "At eight?"):
            assert api.post(f"{path}/messages", json={"text": text}).status_code == 201
    for person in PEOPLE:
        write(simulator, "Do you have a table for four?", person=person, number=2)

    def read() -> bool:
        sent = [
            each
            for one in conversations(api)
            for each in api.get(f"/api/v1/conversations/{one['id']}/messages").json()["items"]
            if each["direction"] == "outbound"
        ]
        return {each["status"] for each in sent} == {"read"} and len(sent) == 4 * len(PEOPLE)

    wait_for(read, "everybody reads")
    time.sleep(3)  # what is asked of the AI meanwhile would be answered by now
    story = [TABLE, HANDED_OVER["en"], "Yes!", "At eight?"]
    assert sent_to(simulator) == {f"+{person}": story for person in PEOPLE}
    told = api.get("/api/v1/decisions", params={"limit": 200}).json()["items"]
    assert sorted(each["decision"] for each in told) == ["ESCALATE"] * len(PEOPLE) + ["RESPOND"] * len(PEOPLE)

    one = conversations(api)[0]
    phone = one["contact"]["phone"]
    assert api.request("DELETE", f"/api/v1/conversations/{one['id']}/takeover").json()["mode"] == "ai"
    time.sleep(1.1)  # WhatsApp tells seconds: what is told within that of the handback is of before
    write(simulator, "And do you have a table for four?", person=phone.removeprefix("+"), number=3)
    wait_for(lambda: sent_to(simulator)[phone] == [*story, TABLE], "the AI again")


def test_two_channels_of_a_workspace_have_a_tone_and_hours_of_their_own(api, simulator):
    shop, night = connect(api, "whatsapp", NUMBER), connect(api, "whatsapp", OTHER_NUMBER)
    known = api.post("/api/v1/faqs", json={"question": "Do you have a table for four?", "answer": TABLE})
    assert known.status_code == 201, known.text
    assert api.patch("/api/v1/workspace", json={"tone": "warm"}).status_code == 200
    for channel, own in ((shop, {}), (night, {"tone": "dry", "business_hours": {"mon": []}})):
        body = own | {"buffer_quiet_s": 0.5, "buffer_max_s": 2}
        assert api.patch(f"/api/v1/channels/{channel}", json=body).status_code == 200
    asked = {PEOPLE[0]: NUMBER, PEOPLE[1]: OTHER_NUMBER}

    for person, account in asked.items():
        write(simulator, "Do you have a table for four?", person=person, account=account)
    wait_for(lambda: len(sent_to(simulator)) == len(asked), "both are answered")
    told = [effect["messages"] for effect in simulator.ledger(kind="openai_chat")]
    tones = Counter(tone for each in told for tone in ("warm", "dry") if f"Your tone is {tone}." in str(each))
    assert tones["warm"] == tones["dry"] >= 1

    for person, account in asked.items():
        write(simulator, "I want to talk to a human", person=person, number=1, account=account)
    wait_for(lambda: {len(texts) for texts in sent_to(simulator).values()} == {2}, "both are told so")
    assert sent_to(simulator) == {
        f"+{PEOPLE[0]}": [TABLE, HANDED_OVER["en"]],
        f"+{PEOPLE[1]}": [TABLE, LATER["en"]],
    }
