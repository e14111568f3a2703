"""The people who write in the demo: what they must be told, what the world saw, and what came of them."""

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from socialsync.cli.wording import plural

NUMBER, NIGHT_NUMBER = "106540352242922", "106540352242923"
CLOSES = "seven in the evening"
AWAY = "Our team is not here right now"
_numbers = itertools.count(1)


@dataclass
class Chat:
    """What somebody wrote, and what they must have been told, each once and in this order.

    Attributes:
        expected: pieces of the messages that the world must have seen.
        needs_person: whether a person must have been asked for.
        stale: answers that the model must have written and that nobody may have seen.
        account: the number that they write to.
        bursts: what they wrote.
        got: the messages that the world saw; of these they have ``read`` so many.
        drafts: answers to what they wrote first that the model wrote.
    """

    title: str
    person: str
    expected: Sequence[str]
    needs_person: bool = False
    stale: int = 0
    account: str = NUMBER
    bursts: list[Sequence[str]] = field(default_factory=list)
    got: list[str] = field(default_factory=list)
    asked_for: bool = False
    drafts: int = 0
    read: int = 0

    @property
    def dropped(self) -> int:
        """Answers that the model wrote and nobody saw."""
        return max(0, self.drafts - len(self.got))

    @property
    def good(self) -> bool:
        return (
            len(self.got) == len(self.expected) == self.read
            and all(piece in text for piece, text in zip(self.expected, self.got, strict=True))
            and self.asked_for == self.needs_person
            and (not self.stale or self.dropped == self.stale)
        )

    @property
    def says(self) -> str:
        return "\n".join(self.got) or ("A person is asked for." if self.asked_for else "Nothing.")

    def is_of(self, conversation: Mapping[str, Any]) -> bool:
        return str(conversation["contact"]["phone"]).removeprefix("+") == self.person


class Cast:
    """Everybody."""

    def __init__(self) -> None:
        self.burst = Chat("Three messages in a burst, each told twice", "33612000001", [CLOSES])
        self.french = Chat("One who writes French", "33612000002", ["24 heures"])
        self.signs = Chat("One who sends a thumb", "33612000003", [])
        self.human = Chat(
            "One who asks for a person, gets one, and the AI again",
            "33612000004",
            ["passing this on", "This is Paul", CLOSES],
        )
        self.hasty = Chat("One who writes on while the model thinks", "33612000005", [CLOSES], stale=1)
        self.again = Chat("One who says it twice, and once more", "33612000006", [CLOSES, CLOSES])
        self.night = Chat(
            "One who writes at night, and wants a person",
            "33612000007",
            [CLOSES, AWAY],
            needs_person=True,
            account=NIGHT_NUMBER,
        )

    @property
    def all(self) -> list[Chat]:
        return [self.burst, self.french, self.signs, self.human, self.hasty, self.again, self.night]

    @property
    def came(self) -> str:
        """What came of them, counted from what the world saw."""
        wrote = [burst for chat in self.all for burst in chat.bursts]
        got, read = sum(len(chat.got) for chat in self.all), sum(chat.read for chat in self.all)
        same = [text for burst in self.again.bursts for text in burst]
        away = sum(AWAY in text for text in self.night.got)
        return (
            f"{plural(len(wrote), 'burst')} of {plural(sum(map(len, wrote)), 'message')}, each told twice:"
            f" the world saw {plural(got, 'answer')}, {read} of them read.\n"
            f"Interrupted: {plural(self.hasty.drafts, 'answer')} written, {self.hasty.dropped} of them stale"
            f" and dropped, {len(self.hasty.got)} seen.\n"
            f"Repeated: the same words {len(same)} times in {plural(len(self.again.bursts), 'burst')},"
            f" {plural(len(self.again.got), 'answer')}.\n"
            f"At night: {plural(len(self.night.got), 'answer')}, {away} of them that nobody is there now."
        )


async def write(world: httpx.AsyncClient, chat: Chat, *texts: str) -> str:
    """One burst, each message of it told twice; the id of the last."""
    chat.bursts.append(texts)
    written = [
        {"platform": "whatsapp", "account": chat.account, "person": chat.person, "text": text,
         "id": f"wamid.demo.{next(_numbers)}"}
        for text in texts
    ]  # fmt: skip
    (await world.post("/_sim/inbound", json={"messages": [*written, *written]})).raise_for_status()
    return written[-1]["id"]


async def look(api: httpx.AsyncClient, world: httpx.AsyncClient, chats: Sequence[Chat]) -> None:
    """What the world saw of them until now, and what we know of them."""
    effects = await seen(world, "whatsapp.message")
    thought = await seen(world, "openai_chat") if any(chat.stale for chat in chats) else []
    listed = await conversations(api)
    for chat in chats:
        chat.got = [effect["text"] for effect in effects if effect["to"].removeprefix("+") == chat.person]
        mine = [one for one in listed if chat.is_of(one)]
        chat.asked_for = any(one["needs_person_at"] is not None for one in mine)
        if chat.stale:
            chat.drafts = sum(_answers(effect, chat.bursts[0][0]) for effect in thought if chat.bursts)
        if chat.read < len(chat.got):
            chat.read = sum([await _read(api, one) for one in mine])


async def seen(world: httpx.AsyncClient, kind: str) -> list[dict[str, Any]]:
    """Effects that the world saw."""
    answer = (await world.get("/_sim/ledger", params={"kind": kind})).raise_for_status()
    effects: list[dict[str, Any]] = answer.json()["effects"]
    return effects


async def conversations(api: httpx.AsyncClient) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = (await api.get("/api/v1/conversations")).raise_for_status().json()["items"]
    return listed


def _answers(effect: Mapping[str, Any], words: str) -> bool:
    """Whether the model wrote an answer from the knowledge to these words, or more."""
    if not effect["answer"] or words not in str(effect["messages"][-1]["content"]):
        return False
    return bool(json.loads(effect["answer"]).get("grounded"))


async def _read(api: httpx.AsyncClient, conversation: Mapping[str, Any]) -> int:
    path = f"/api/v1/conversations/{conversation['id']}/messages"
    messages = (await api.get(path)).raise_for_status().json()["items"]
    return sum(each["direction"] == "outbound" and each["status"] == "read" for each in messages)
