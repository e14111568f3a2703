"""Instagram's memory of direct messages: who wrote what, whether or not anybody was told."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Direct:
    """One message.

    Args:
        echo: the account wrote it, by whatever means.
        content: what webhooks have as ``message``.
    """

    id: str
    at: datetime
    echo: bool
    content: Mapping[str, Any]


@dataclass(slots=True)
class Thread:
    """All between an account and a person, oldest first."""

    id: str
    account: str
    person: str
    directs: list[Direct] = field(default_factory=list)

    @property
    def updated_at(self) -> datetime:
        return self.directs[-1].at


class Directs:
    def __init__(self) -> None:
        self._threads: dict[tuple[str, str], Thread] = {}

    def note(self, account: str, person: str, direct: Direct) -> None:
        """Once, in its place by time; a deletion takes the message away."""
        thread = self._threads.setdefault(
            (account, person), Thread(_thread_id(account, person), account, person)
        )
        if direct.content.get("is_deleted") is True:
            thread.directs = [each for each in thread.directs if each.id != direct.id]
        elif all(each.id != direct.id for each in thread.directs):
            thread.directs.append(direct)
            thread.directs.sort(key=lambda each: each.at)

    def of(self, account: str) -> Sequence[Thread]:
        """The account's threads, that with the newest message first."""
        known = [thread for thread in self._threads.values() if thread.account == account and thread.directs]
        return sorted(known, key=lambda thread: thread.updated_at, reverse=True)


def _thread_id(account: str, person: str) -> str:
    digest = hashlib.sha256(f"{account} {person}".encode()).digest()
    return f"aWdfZAG06{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
