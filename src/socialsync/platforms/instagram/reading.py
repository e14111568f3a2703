"""What Instagram's answers say about an account: its quota, its recent media, its token."""

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from socialsync.errors import Invalid
from socialsync.platforms import bodies
from socialsync.platforms.comments import MediaPage, PublishedMedia
from socialsync.platforms.contract import FreshToken, Quota, check_characters
from socialsync.platforms.graph import Answer

_FIRST_YEAR, _LAST_YEAR = 2000, 2100
"""What is told to be of another time cannot be kept."""
_LONGEST = timedelta(days=3_650)
_PRODUCTS: Mapping[Any, str] = {"REELS": "reel", "STORY": "story"}
_TYPES: Mapping[Any, str] = {"IMAGE": "image", "CAROUSEL_ALBUM": "carousel", "VIDEO": "video"}


def published_since(media: PublishedMedia, since: datetime) -> bool:
    """Instagram's times are in whole seconds."""
    return media.at >= since.replace(microsecond=0)


def has_caption(media: PublishedMedia, caption: str) -> bool:
    return _plain(media.caption) == _plain(caption)


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


def media_page_of(answer: Answer) -> MediaPage:
    """Meta, "IG User Media". Raises as `listed`."""
    entries, after = listed(answer, "media")
    return MediaPage([found for each in entries if (found := _published(each))], after)


def listed(answer: Answer, what: str) -> tuple[Sequence[Any], str | None]:
    """The entries of a list, and where the next page begins. That is asked for by its cursor, not by the URL
    given for it, which has the token in it.

    Raises:
        PlatformUnavailable: it is no list; what is not in it may be there all the same.
    """
    entries = answer.body.get("data")
    if not isinstance(entries, list):
        answer.unclear(f"its answer has no list of {what}")
    return entries, after_of(answer.body)


def after_of(edge: Mapping[str, Any]) -> str | None:
    """The cursor of the next page, if there is one."""
    paging = edge.get("paging")
    paging = paging if isinstance(paging, Mapping) else {}
    cursors = paging.get("cursors")
    after = cursors.get("after") if paging.get("next") and isinstance(cursors, Mapping) else None
    return after if isinstance(after, str) and after else None


def moment_of(timestamp: object) -> datetime | None:
    """Of a time with its zone, as Graph writes it: ``2026-03-04T12:00:00+0000``."""
    try:
        at = datetime.fromisoformat(timestamp) if isinstance(timestamp, str) else None
    except ValueError:
        return None
    if at is None or at.tzinfo is None or not _FIRST_YEAR <= at.year <= _LAST_YEAR:
        return None
    return at


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


def _published(entry: object) -> PublishedMedia | None:
    if not isinstance(entry, Mapping):
        return None
    known, caption = bodies.text_of(entry.get("id")), entry.get("caption")
    at = moment_of(entry.get("timestamp"))
    if known is None or at is None:
        return None
    return PublishedMedia(
        known,
        bodies.said(caption) or "",
        at,
        _PRODUCTS.get(entry.get("media_product_type")) or _TYPES.get(entry.get("media_type")),
        bodies.url_of(entry.get("permalink")),
        bodies.url_of(entry.get("media_url")),
    )


def _plain(caption: str) -> str:
    return " ".join(unicodedata.normalize("NFC", caption).split())
