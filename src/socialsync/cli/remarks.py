"""The comments of the demo: people write under a published post; a question is answered, thanks are returned,
spam is left alone, a threat is mailed, and a person overrules the AI.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

PATIENCE = 60.0
EMAIL = "owner@example.com"
OVERRULED = "Sadly not by helicopter, but by post!"


@dataclass
class Remark:
    """What somebody wrote under a post, and what must have become of it.

    Args:
        expected: pieces of the replies that the world must have seen, each once.
        triage: what must have been decided in the end.
        mailed: whether a mail must have told a person of it.
    """

    title: str
    text: str
    triage: str
    expected: Sequence[str] = ()
    mailed: bool = False
    platform_id: str = ""
    comment: dict[str, Any] = field(default_factory=dict)
    got: list[str] = field(default_factory=list)
    escalation: dict[str, Any] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        return (
            self.comment.get("triage") == self.triage
            and len(self.got) == len(self.expected)
            and all(piece in text for piece, text in zip(self.expected, self.got, strict=True))
            and (self.mail is not None or not self.mailed)
        )

    @property
    def mail(self) -> str | None:
        """How the mail fared that told of it; without a server it is logged."""
        mail = self.escalation.get("mail") or {}
        return mail["status"] if mail.get("status") in {"sent", "logged"} else None

    @property
    def says(self) -> str:
        """Without an escalation of its own, or after a person's word, what stands below it."""
        said = list(self.got)
        if self.comment.get("overruled_to"):
            said.append(f"A person decided: {self.comment['overruled_to']}.")
        elif self.escalation:
            said.append(f"{self.escalation['reason']} Mail to {EMAIL}: {self.mail or 'on its way'}.")
        elif self.comment.get("triage") == "ignore":
            said.append(f"Left alone: {self.comment['decision']['reason']}")
        return "\n".join(said) or "Nothing yet."


async def play(
    api: httpx.AsyncClient, world: httpx.AsyncClient, channel_id: str, post_id: str
) -> AsyncIterator[list[Remark]]:
    """Play it, giving how it stands from time to time; it ends when all is as it must be, or patience has."""
    changes = {"escalation_email": EMAIL}
    (await api.patch(f"/api/v1/channels/{channel_id}", json=changes)).raise_for_status()
    post = (await api.get(f"/api/v1/posts/{post_id}")).raise_for_status().json()
    odd = Remark(
        "One asks what nobody knows; a person overrules",
        "Do you deliver to Reykjavik by helicopter?",
        "escalate",  # mailed with whatever else comes within five minutes
    )
    remarks = [
        Remark("A question", "What time do you close?", "respond", ["seven in the evening"]),
        Remark("Praise", "Thank you, wonderful bread!", "respond", ["welcome"]),
        Remark("Spam", "Buy cheap followers at www.followers.example", "ignore"),
        Remark("A threat", "I will burn your shop down", "escalate", mailed=True),
        odd,
    ]
    await _write(world, post["platform_post_id"], remarks)
    async for _ in _until_good(api, world, remarks):
        yield remarks
    if odd.good:
        word = {"decision": "RESPOND", "reply": OVERRULED}
        path = f"/api/v1/comments/{odd.comment['id']}/decision"
        (await api.post(path, json=word)).raise_for_status()
    odd.triage, odd.expected = "respond", [OVERRULED]
    async for _ in _until_good(api, world, remarks):
        yield remarks


async def _write(world: httpx.AsyncClient, media: str, remarks: list[Remark]) -> None:
    written = [
        {"media_id": media, "text": remark.text, "username": f"person_{number}"}
        for number, remark in enumerate(remarks, 1)
    ]
    made = (await world.post("/_sim/inbound/comments", json={"comments": written})).raise_for_status().json()
    for remark, platform_id in zip(remarks, made["ids"], strict=True):
        remark.platform_id = platform_id


async def _look(api: httpx.AsyncClient, world: httpx.AsyncClient, remarks: list[Remark]) -> None:
    effects = (await world.get("/_sim/ledger", params={"kind": "instagram.reply"})).json()["effects"]
    comments = (await api.get("/api/v1/comments", params={"own": False})).raise_for_status().json()["items"]
    escalations = (await api.get("/api/v1/escalations")).raise_for_status().json()["items"]
    by_subject = {each["subject_id"]: each for each in escalations}
    by_platform_id = {each["platform_comment_id"]: each for each in comments}
    for remark in remarks:
        remark.got = [each["text"] for each in effects if each["comment_id"] == remark.platform_id]
        remark.comment = by_platform_id.get(remark.platform_id, {})
        remark.escalation = by_subject.get(remark.comment.get("id"), {})


async def _until_good(
    api: httpx.AsyncClient, world: httpx.AsyncClient, remarks: list[Remark]
) -> AsyncIterator[None]:
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while asyncio.get_running_loop().time() < deadline:
        await _look(api, world, remarks)
        yield
        if all(remark.good for remark in remarks):
            return
        await asyncio.sleep(0.2)
