"""How the tests here ask Graph, and what they ask it for."""

from typing import Any

import httpx

from tests.simulator.server import PLAIN, SimulatorServer

IG = "17841400008460056"
PHONE = "106540352242922"
PHOTO = "https://example.org/photo.jpg"


def client_of(simulator: SimulatorServer, token: str = "a-token") -> httpx.Client:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=f"{simulator.url}/v25.0", headers=headers, timeout=5, verify=PLAIN)


def prepare(graph: httpx.Client, account: str = IG, **params: Any) -> str:
    """A container's id."""
    return ok(graph.post(f"/{account}/media", json={"image_url": PHOTO, **params}))["id"]


def publish(graph: httpx.Client, container: str, account: str = IG) -> httpx.Response:
    return graph.post(f"/{account}/media_publish", json={"creation_id": container})


def post(graph: httpx.Client, account: str = IG, **params: Any) -> str:
    """A published media's id."""
    return ok(publish(graph, prepare(graph, account, **params), account))["id"]


def status_of(graph: httpx.Client, container: str) -> str:
    return ok(graph.get(f"/{container}", params={"fields": "status_code,status"}))["status_code"]


def message(**changes: Any) -> dict[str, Any]:
    """A text message's body; a change to None leaves the key out."""
    body = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "+33612345678",
        "type": "text",
        "text": {"body": "Hello"},
    }
    return {name: value for name, value in (body | changes).items() if value is not None}


def send(graph: httpx.Client, **changes: Any) -> httpx.Response:
    return graph.post(f"/{PHONE}/messages", json=message(**changes))


def ok(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def refusal(answer: httpx.Response) -> tuple[int, int | None]:
    """Code and subcode of an answer that must be an error."""
    assert answer.status_code >= 400, answer.text
    error = answer.json()["error"]
    assert error["message"]
    assert error["type"]
    assert error["fbtrace_id"]
    return error["code"], error.get("error_subcode")
