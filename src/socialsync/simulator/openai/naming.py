"""Ids that look like OpenAI's and follow from a counter, and how many tokens a text is."""

import hashlib
import itertools
import threading
from collections.abc import Iterable

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class Names:
    def __init__(self, first: int) -> None:
        self._numbers = itertools.count(first)
        self._one_at_a_time = threading.Lock()

    def completion(self) -> str:
        return f"chatcmpl-{self._spelt()}"

    def response(self) -> str:
        return f"resp_{self._digest().hex()[:48]}"

    def message(self) -> str:
        return f"msg_{self._digest().hex()[:48]}"

    def call_item(self) -> str:
        return f"fc_{self._digest().hex()[:48]}"

    def tool_call(self) -> str:
        return f"call_{self._spelt()[:24]}"

    def moderation(self) -> str:
        return f"modr-{self._digest().hex()[:32]}"

    def embedding(self) -> str:
        return f"emb-{self._digest().hex()[:32]}"

    def request(self) -> str:
        return f"req_{self._digest().hex()[:32]}"

    def _spelt(self) -> str:
        return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in self._digest())[:29]

    def _digest(self) -> bytes:
        with self._one_at_a_time:
            number = next(self._numbers)
        return hashlib.sha256(f"openai {number}".encode()).digest()


def tokens_in(text: str) -> int:
    """A token is about four letters of English, and about two of Arabic: four bytes."""
    return (len(text.encode()) + 3) // 4


def tokens_of_turns(texts: Iterable[str]) -> int:
    """Each message costs three more, and so does the answer's beginning (OpenAI's cookbook)."""
    return 3 + sum(3 + tokens_in(text) for text in texts)
