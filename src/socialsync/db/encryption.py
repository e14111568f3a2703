"""Secrets at rest: encrypted with the installation's keys, which can be rotated."""

import base64
import hashlib
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from socialsync.errors import Permanent


class Cipher:
    """Encrypts with the first key and opens with any (MultiFernet: AES-128-CBC with HMAC-SHA256).

    Args:
        keys: secrets of any length and form, the current one first; SHA-256 makes Fernet keys of them.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        digests = (hashlib.sha256(key.encode()).digest() for key in keys)
        self._fernet = MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])

    def encrypt(self, secret: str) -> bytes:
        return self._fernet.encrypt(secret.encode())

    def decrypt(self, stored: bytes) -> str:
        """Open what ``encrypt`` closed.

        Raises:
            Permanent: no present key opens it.
        """
        try:
            return self._fernet.decrypt(stored).decode()
        except InvalidToken:
            raise Permanent(
                "A stored secret cannot be decrypted with the present SOCIALSYNC_SECRET_KEY.",
                fix="Add the key that encrypted it to the end of the comma-separated list.",
            ) from None

    def rotate(self, stored: bytes) -> bytes:
        """The same secret under the current key."""
        return self._fernet.rotate(stored)
