"""Who is called, and the signature by which they know the caller.

Meta, "Webhooks, Getting Started": ``X-Hub-Signature-256`` is the HMAC-SHA256, by the app secret, of the body
as it was sent.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Callback:
    """The base of the addresses that are called, and the app secret that signs.

    Raises:
        ValueError: a URL that cannot be called.
    """

    url: str
    app_secret: str = field(repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0:
            raise ValueError("is not an absolute URL; write it like http://127.0.0.1:8000")

    def address(self, platform: str) -> str:
        return f"{self.url.rstrip('/')}/webhooks/{platform}"

    def headers(self, body: bytes) -> dict[str, str]:
        digest = hmac.new(self.app_secret.encode(), body, hashlib.sha256).hexdigest()
        return {
            "Content-Type": "application/json",
            "User-Agent": "facebookexternalua",
            "X-Hub-Signature-256": f"sha256={digest}",
        }
