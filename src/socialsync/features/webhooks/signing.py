"""Whether a body came from Meta. Meta, Graph API, "Webhooks, Getting started": HMAC-SHA256 of the raw body.

The body is never parsed and written again before: Meta escapes what is not ASCII its own way.
"""

import hashlib
import hmac

PREFIX = "sha256="


def is_signed(body: bytes, signature: str | None, app_secret: str) -> bool:
    """In constant time.

    Args:
        signature: the header ``X-Hub-Signature-256``.
    """
    if signature is None or not signature.startswith(PREFIX) or not signature.isascii():
        return False
    expected = hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(signature.removeprefix(PREFIX).lower(), expected)


def is_same(given: str, secret: str) -> bool:
    """In constant time."""
    return hmac.compare_digest(given.encode(), secret.encode())
