"""Ids that look like Meta's and follow from a counter: the same calls get the same ids."""

import base64
import hashlib
import itertools
import re

_MINTED = re.compile(r"(?:179|180|181)[0-9]{14}")
_SPREAD = 2_654_435_761
"""Odd and no multiple of five, so multiplying by it shuffles the numbers below 10**14 and 16**18 without
making two of them equal."""
_SHORTCODE_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


class Ids:
    def __init__(self, first: int) -> None:
        self._containers = itertools.count(first)
        self._media = itertools.count(first)
        self._comments = itertools.count(first)
        self._messages = itertools.count(first)
        self._tokens = itertools.count(first)
        self._traces = itertools.count(first)

    def container(self) -> str:
        return f"179{_shuffled(next(self._containers)):014d}"

    def media(self) -> str:
        return f"180{_shuffled(next(self._media)):014d}"

    def comment(self) -> str:
        return f"181{_shuffled(next(self._comments)):014d}"

    def message(self, recipient: str) -> str:
        """A wamid as real ones decode: the recipient, then 18 hexadecimal digits, between length bytes."""
        who = recipient.encode()[:127]
        number = f"{next(self._messages) * _SPREAD % 16**18:018X}".encode()
        raw = b"\x1c\x18" + bytes([len(who)]) + who + b"\x15\x02\x00\x11\x18\x12" + number + b"\x00"
        return f"wamid.{base64.b64encode(raw).decode()}"

    def token(self) -> str:
        """Long enough that nobody takes it for one that people chose."""
        digest = hashlib.sha256(f"token {next(self._tokens)}".encode()).digest()
        return f"IGAA{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"

    def trace(self) -> str:
        digest = hashlib.sha256(str(next(self._traces)).encode()).digest()
        return f"A{base64.urlsafe_b64encode(digest).decode()[:22]}"


def is_minted(node: str) -> bool:
    """Whether this looks like an object we make, and so is unknown when we don't have it. Account ids never
    look so: Instagram's start with 17841.
    """
    return _MINTED.fullmatch(node) is not None


def shortcode(media_id: str) -> str:
    """The media id in Instagram's base 64, as its permalinks spell it."""
    number, code = int(media_id), ""
    while number:
        number, digit = divmod(number, 64)
        code = _SHORTCODE_ALPHABET[digit] + code
    return code


def _shuffled(number: int) -> int:
    return number * _SPREAD % 10**14
