"""What Instagram's answers say about an account: its quota, its recent media, its token."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from socialsync.errors import Invalid
from socialsync.platforms.contract import FreshToken, Quota, check_characters
from socialsync.platforms.graph import Answer

_LONGEST = timedelta(days=3_650)


@dataclass(frozen=True)
class Published:
    """One of the account's media."""

    id: str
    caption: str
    at: datetime

    def published_since(self, since: datetime) -> bool:
        """Instagram's times are in whole seconds."""
        return self.at >= since.replace(microsecond=0)

    def has(self, caption: str) -> bool:
        return _plain(self.caption) == _plain(caption)


@dataclass(frozen=True)
class Page:
    """Media newest first, and where the next page begins; None on the last."""

    media: Sequence[Published]
    after: str | None


def quota_of(body: Mapping[str, Any]) -> Quota | None:
    """Meta, "Content Publishing Limit": one entry of ``data``, with the numbers of the account."""
    try:
        limit = body["data"][0]
        used, config = limit["quota_usage"], limit["config"]
        total, seconds = config["quota_total"], config["quota_duration"]
    except (LookupError, TypeError):
        return None
    if not all(type(number) is int and number >= 0 for number in (used, total, seconds)):
        return None
    if not 0 < seconds <= _LONGEST.total_seconds():
        return None
    return Quota(used, total, timedelta(seconds=seconds))


def page_of(answer: Answer) -> Page:
    """Meta, "IG User Media". The next page is asked for by its cursor, not by the URL given for it, which
    has the token in it.

    Raises:
        PlatformUnavailable: it is no list; what is not in it may be there all the same.
    """
    listed = answer.body.get("data")
    if not isinstance(listed, list):
        answer.unclear("its answer has no list of media")
    paging = answer.body.get("paging")
    paging = paging if isinstance(paging, Mapping) else {}
    cursors = paging.get("cursors")
    after = cursors.get("after") if paging.get("next") and isinstance(cursors, Mapping) else None
    media = [found for each in listed if (found := _published(each))]
    return Page(media, after if isinstance(after, str) and after else None)


def token_of(answer: Answer) -> FreshToken:
    """Meta, "Refresh Access Token": ``{access_token, token_type, expires_in}``.

    Raises:
        PlatformUnavailable: without a token that can be used, or without its end.
    """
    token, seconds = answer.text("access_token"), answer.body.get("expires_in")
    if type(seconds) is not int or not 0 < seconds <= _LONGEST.total_seconds():
        answer.unclear("its answer does not say how long the token is good")
    try:
        check_characters(token)
    except Invalid:
        answer.unclear("its token has characters that no token has")
    return FreshToken(token, timedelta(seconds=seconds))


def _published(entry: object) -> Published | None:
    if not isinstance(entry, Mapping):
        return None
    known, caption, timestamp = entry.get("id"), entry.get("caption"), entry.get("timestamp")
    if not isinstance(known, str) or not known:
        return None
    try:
        at = datetime.fromisoformat(timestamp) if isinstance(timestamp, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        return None
    return Published(known, caption if isinstance(caption, str) else "", at)


def _plain(caption: str) -> str:
    return " ".join(unicodedata.normalize("NFC", caption).split())
