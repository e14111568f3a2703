"""From the bytes of a body to what it tells, by the reader of its platform."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from socialsync.platforms.instagram import webhooks as instagram
from socialsync.platforms.news import News
from socialsync.platforms.whatsapp import webhooks as whatsapp

READERS: Mapping[str, Callable[..., News]] = {"whatsapp": whatsapp.read, "instagram": instagram.read}
"""By platform; each takes the parsed body and ``now``. What has none (yet) is stored unread."""


def read(platform: str, body: bytes, *, now: datetime) -> News:
    """Whatever the bytes are."""
    try:
        content: Any = json.loads(body)
    except (ValueError, RecursionError):
        return News(problems=["It is not JSON"])
    if not isinstance(content, dict):
        return News(problems=["It is not a JSON object"])
    reader = READERS.get(platform)
    return reader(content, now=now) if reader else News(unread={"body": 1})
