"""How the tests ask the simulator's models: with OpenAI's own library, or with bare HTTP."""

import json
from typing import Any

import httpx
import openai

from tests.simulator.server import PLAIN, SimulatorServer

CHAT = "gpt-4o-mini"
EMBEDDING = "text-embedding-3-small"
SOURCES = """\
<source id="1">
Opening hours
We are open Monday to Saturday from 9:00 to 18:30. On Sundays and public holidays the shop is closed.
</source>
<source id="2">
Animaux
Les animaux de compagnie sont admis en terrasse, tenus en laisse.
Les frais de livraison sont de 4,90 €. La livraison est offerte dès 50 €.
</source>
"""
ANSWER = {
    "type": "object",
    "properties": {
        "answer": {"type": "string"},
        "sources": {"type": "array", "items": {"type": "integer"}},
        "grounded": {"type": "boolean"},
    },
    "required": ["answer", "sources", "grounded"],
    "additionalProperties": False,
}
DECISION = {
    "type": "object",
    "properties": {
        "decision": {"type": "string", "enum": ["RESPOND", "IGNORE", "ESCALATE"]},
        "reason": {"type": "string"},
        "rule": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
    },
    "required": ["decision", "reason", "rule", "confidence"],
    "additionalProperties": False,
}


def library_of(simulator: SimulatorServer, key: str = "a-key") -> openai.OpenAI:
    plain = openai.DefaultHttpxClient(verify=PLAIN)
    return openai.OpenAI(
        base_url=f"{simulator.url}/v1", api_key=key, max_retries=0, timeout=10, http_client=plain
    )


def bare_of(simulator: SimulatorServer, key: str = "a-key") -> httpx.Client:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.Client(base_url=f"{simulator.url}/v1", headers=headers, timeout=10, verify=PLAIN)


def asked(question: str, sources: str = SOURCES) -> list[Any]:
    """A system's rules, and a question with its sources."""
    return [
        {"role": "system", "content": "You answer customers, only from the sources."},
        {"role": "user", "content": f"{sources}\n<question>\n{question}\n</question>"},
    ]


def said(models: openai.OpenAI, messages: list[Any], **given: Any) -> str:
    answer = models.chat.completions.create(model=CHAT, messages=messages, **given)
    return answer.choices[0].message.content or ""


def formed(models: openai.OpenAI, messages: list[Any], schema: dict[str, Any]) -> Any:
    """An answer of this form, strict."""
    form = {"type": "json_schema", "json_schema": {"name": "Form", "strict": True, "schema": schema}}
    return json.loads(said(models, messages, response_format=form))


def refused(answer: httpx.Response) -> tuple[int, str | None, str | None]:
    """Status, code and parameter of what must be an error of OpenAI's shape."""
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    assert error["type"]
    return answer.status_code, error["code"], error["param"]
