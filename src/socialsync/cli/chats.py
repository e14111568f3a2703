"""The conversations of the demo: people write in bursts, twice told, and read what they get. One writes on
while the model thinks, one repeats the same words, one writes when nobody is there; one asks for a person,
who answers from the API and hands back.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime

import httpx

from socialsync import clock
from socialsync.cli.people import NIGHT_NUMBER, Cast, Chat, conversations, look, seen, write
from socialsync.features.accounts.hours import DAYS, Hours

PATIENCE = 60.0
BUFFER = {"buffer_quiet_s": 2.0, "buffer_max_s": 8.0}
FAQ = {
    "question": "What time do you close?",
    "answer": "We close at seven in the evening, on Saturdays at five.",
    "language": "en",
}
ASKED = "What time do you close?"
THINKS = {"action": "slow", "delay_s": 3.0, "match": {"kind": "openai_chat"}}
"""The next call to the model takes so long."""
_SETTLES = 1.2
"""Seconds: WhatsApp tells whole ones, so what comes within one of a handback counts as before it."""
_NOON = 12


async def play(api: httpx.AsyncClient, world: httpx.AsyncClient, channel_id: str) -> AsyncIterator[Cast]:
    """Play it, giving how it stands from time to time; it ends when all is as it must be, or patience has."""
    await _set_up(api, channel_id)
    cast = Cast()

    async def looks() -> None:
        await look(api, world, cast.all)

    async for _ in _interrupt(world, cast.hasty):
        yield cast
    await write(world, cast.burst, "Hi!", "I come by car", "what time do you close?")
    await write(world, cast.french, "Bonjour", "puis-je annuler mon rendez-vous ?")
    await write(world, cast.signs, "👍")
    await write(world, cast.again, ASKED, ASKED)
    await write(world, cast.night, ASKED)
    await write(world, cast.human, "I want to talk to a human")
    async for _ in _until(looks, lambda: all(chat.got for chat in (cast.human, cast.again, cast.night))):
        yield cast
    await write(world, cast.again, ASKED)
    await write(world, cast.night, "I want to talk to a human")
    await _as_a_person(api, cast.human)
    await write(world, cast.human, "Thank you! What time do you close?")
    async for _ in _until(looks, lambda: all(chat.good for chat in cast.all)):
        yield cast
    yield cast


async def _set_up(api: httpx.AsyncClient, channel_id: str) -> None:
    (await api.post("/api/v1/faqs", json=FAQ)).raise_for_status()
    (await api.patch(f"/api/v1/channels/{channel_id}", json=BUFFER)).raise_for_status()
    closed = {
        "platform": "whatsapp", "name": "Where it is night", "external_id": NIGHT_NUMBER,
        "access_token": "EAAdemo", "business_hours": _not_now(clock.now()), **BUFFER,
    }  # fmt: skip
    (await api.post("/api/v1/channels", json=closed)).raise_for_status()


def _not_now(now: datetime) -> Hours:
    """Hours, the same every day, that are hours away from now; the demo's workspace tells them in UTC."""
    span = ["14:00", "22:00"] if now.hour < _NOON else ["02:00", "10:00"]
    return {day: [span] for day in DAYS}


async def _interrupt(world: httpx.AsyncClient, chat: Chat) -> AsyncIterator[None]:
    """They see that somebody types, and write on."""
    (await world.post("/_sim/faults", json=THINKS)).raise_for_status()
    first = await write(world, chat, "I am around the corner", ASKED)
    typing: list[str] = []

    async def looks() -> None:
        typing[:] = [effect["id"] for effect in await seen(world, "whatsapp.read") if effect["typing"]]

    async for _ in _until(looks, lambda: first in typing):
        yield
    await write(world, chat, "And on Saturdays?")


async def _as_a_person(api: httpx.AsyncClient, chat: Chat) -> None:
    (found,) = [one for one in await conversations(api) if chat.is_of(one)]
    path = f"/api/v1/conversations/{found['id']}"
    (await api.put(f"{path}/takeover")).raise_for_status()
    said = {"text": "This is Paul, I am here for you."}
    (await api.post(f"{path}/messages", json=said)).raise_for_status()
    (await api.delete(f"{path}/takeover")).raise_for_status()
    await asyncio.sleep(_SETTLES)


async def _until(looks: Callable[[], Awaitable[None]], good: Callable[[], bool]) -> AsyncIterator[None]:
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while asyncio.get_running_loop().time() < deadline:
        await looks()
        yield
        if good():
            return
        await asyncio.sleep(0.2)
