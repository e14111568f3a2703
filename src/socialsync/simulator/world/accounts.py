"""Who exists: everybody. Any account id is somebody's, and any token that is not revoked may act for it."""

import hashlib
import re

_ACCOUNT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Accounts:
    def __init__(self) -> None:
        self._platforms: dict[str, str] = {}
        self._of_tokens: dict[bytes, str] = {}

    def remember(self, account: str, platform: str, token: str) -> None:
        """This account acted on this platform, by this token (kept as its digest)."""
        self._platforms[account] = platform
        if platform == "instagram":
            self._of_tokens.setdefault(_digest(token), account)

    def platform(self, account: str) -> str | None:
        return self._platforms.get(account)

    def me(self, token: str) -> str:
        """The Instagram account that this token first acted for; before that, one made up from the token."""
        digest = _digest(token)
        return self._of_tokens.get(digest) or f"17841{int.from_bytes(digest[:8]) % 10**12:012d}"


def may_be_account(node: str) -> bool:
    return _ACCOUNT_ID.fullmatch(node) is not None


def username(account: str) -> str:
    return f"account_{account}".lower()


def scoped_id(account: str, person: str) -> str:
    """The id by which this account knows the person of this name; another account knows them by another."""
    return f"2{int.from_bytes(_digest(f'{account} {person}')[:8]) % 10**15:015d}"


def display_phone_number(account: str) -> str:
    """A number of the range that is reserved for fiction, the same for the same id."""
    return f"+1 555-01{int.from_bytes(_digest(account)[:4]) % 100:02d}"


def business_account(account: str) -> str:
    """The WhatsApp business account that a phone number belongs to, the same for the same id."""
    return f"10{int.from_bytes(_digest(account)[4:12]) % 10**13:013d}"


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
