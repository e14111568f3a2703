"""What an API key looks like, and how it is known again without being kept."""

import hashlib
import re
import secrets

PREFIX_LENGTH = 9
"""Characters that are kept to tell keys apart; 6 of them are of the 43 secret ones."""
_KEY = re.compile(r"ss_[A-Za-z0-9_-]{43}")


def make() -> str:
    """A new key: 256 random bits."""
    return f"ss_{secrets.token_urlsafe(32)}"


def looks_right(key: str) -> bool:
    return _KEY.fullmatch(key) is not None


def digest(key: str) -> bytes:
    """SHA-256: a random key of 256 bits needs no slow hash."""
    return hashlib.sha256(key.encode()).digest()


def prefix(key: str) -> str:
    return key[:PREFIX_LENGTH]
