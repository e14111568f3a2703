"""The conversations of the demo: people write in bursts, twice told; one asks for a person, who answers from
the API and hands back.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

PATIENCE = 60.0
NUMBER = "106540352242922"
FAQ = {
    "question": "What time do you close?",
    "answer": "We close at seven in the evening, on Saturdays at five.",
    "language": "en",
}
_SETTLES = 1.2
"""Seconds: WhatsApp tells whole ones, so what comes within one of a handback counts as before it."""
_numbers = itertools.count(1)


@dataclass
class Chat:
    """What somebody wrote, and what they must have been told, each once and in this order.

    Args:
        expected: pieces of the messages that the world must have seen.
        needs_person: whether a person must have been asked for.
    """

    title: str
    person: str
    expected: Sequence[str]
    needs_person: bool = False
    got: list[str] = field(default_factory=list)
    asked_for: bool = False

    @property
    def good(self) -> bool:
        return (
            len(self.got) == len(self.expected)
            and all(piece in text for piece, text in zip(self.expected, self.got, strict=True))
            and self.asked_for == self.needs_person
        )

    @property
    def says(self) -> str:
        return "\n".join(self.got) or ("A person is asked for." if self.asked_for else "Nothing.")


async def play(
    api: httpx.AsyncClient, world: httpx.AsyncClient, channel_id: str
) -> AsyncIterator[list[Chat]]:
    """Play it, giving how it stands from time to time; it ends when all is as it must be, or patience has."""
    (await api.post("/api/v1/faqs", json=FAQ)).raise_for_status()
    changes = {"buffer_quiet_s": 2.0, "buffer_max_s": 8.0}
    (await api.patch(f"/api/v1/channels/{channel_id}", json=changes)).raise_for_status()
    burst = Chat("Three messages in a burst, each told twice", "33612000001", ["seven in the evening"])
    french = Chat("One who writes French", "33612000002", ["24 heures"])
    signs = Chat("One who sends a thumb", "33612000003", [])
    human = Chat(
        "One who asks for a person, gets one, and the AI again",
        "33612000004",
        ["passing this on", "This is Paul", "seven in the evening"],
    )
    chats = [burst, french, signs, human]
    human.needs_person = True
    await _write(world, burst.person, "Hi!", "I come by car", "what time do you close?")
    await _write(world, french.person, "Bonjour", "puis-je annuler mon rendez-vous ?")
    await _write(world, signs.person, "👍")
    await _write(world, human.person, "I want to talk to a human")
    async for _ in _until(lambda: _look(api, world, chats), lambda: human.asked_for and bool(human.got)):
        yield chats
    await _as_a_person(api, human)
    human.needs_person = False
    await _write(world, human.person, "Thank you! What time do you close?")
    async for _ in _until(lambda: _look(api, world, chats), lambda: all(chat.good for chat in chats)):
        yield chats
    yield chats


async def _as_a_person(api: httpx.AsyncClient, chat: Chat) -> None:
    (found,) = [one for one in await _conversations(api) if _is_of(one, chat)]
    path = f"/api/v1/conversations/{found['id']}"
    (await api.put(f"{path}/takeover")).raise_for_status()
    said = {"text": "This is Paul, I am here for you."}
    (await api.post(f"{path}/messages", json=said)).raise_for_status()
    (await api.delete(f"{path}/takeover")).raise_for_status()
    await asyncio.sleep(_SETTLES)


async def _write(world: httpx.AsyncClient, person: str, *texts: str) -> None:
    written = [
        {"platform": "whatsapp", "account": NUMBER, "person": person, "text": text,
         "id": f"wamid.demo.{next(_numbers)}"}
        for text in texts
    ]  # fmt: skip
    (await world.post("/_sim/inbound", json={"messages": [*written, *written]})).raise_for_status()


async def _look(api: httpx.AsyncClient, world: httpx.AsyncClient, chats: list[Chat]) -> None:
    effects = (await world.get("/_sim/ledger", params={"kind": "whatsapp.message"})).json()["effects"]
    listed = await _conversations(api)
    for chat in chats:
        chat.got = [effect["text"] for effect in effects if effect["to"].removeprefix("+") == chat.person]
        chat.asked_for = any(one["needs_person_at"] is not None for one in listed if _is_of(one, chat))


async def _conversations(api: httpx.AsyncClient) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = (await api.get("/api/v1/conversations")).raise_for_status().json()["items"]
    return listed


def _is_of(conversation: Mapping[str, Any], chat: Chat) -> bool:
    return str(conversation["contact"]["phone"]).removeprefix("+") == chat.person


async def _until(look: Any, good: Any) -> AsyncIterator[None]:
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while asyncio.get_running_loop().time() < deadline:
        await look()
        yield
        if good():
            return
        await asyncio.sleep(0.2)
