"""What a post must have before it is stored or queued. Asks nobody: neither database nor network."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from socialsync import platforms
from socialsync.errors import Invalid
from socialsync.features.accounts import locale
from socialsync.features.posts import recurrence
from socialsync.platforms.contract import Template

FIELDS = (
    "channel_id", "text", "media_urls", "recipients", "template", "media_type", "alt_texts", "publish_at",
    "status", "recurrence", "timezone",
)  # fmt: skip
"""What people say of a post."""
FURTHEST = timedelta(days=3_653)
"""How far ahead a post may be planned: ten years."""
OF_MEDIA = frozenset({"media_urls", "media_type", "channel_id", "status"})
"""Changes after which the media are others, or are queued for the first time."""
_NO_SERIES = {"recurrence": None, "series_id": None, "slot_at": None, "series_starts_at": None}


def completed(given: Mapping[str, Any], *, zone: str, now: datetime) -> dict[str, Any]:
    """The columns of a new post, of ``FIELDS`` that are given and of the series that may begin with it.

    Args:
        zone: the workspace's, for a recurrence that names none.

    Raises:
        Invalid: names the field.
    """
    status = given.get("status") or ("queued" if given.get("publish_at") else "draft")
    values = {**given, "status": status}
    check_time(given.get("publish_at"), now=now)
    if status == "queued":
        values["publish_at"] = given.get("publish_at") or now
    return {**values, **new_series(values, zone=zone)}


def check_time(publish_at: datetime | None, *, now: datetime) -> None:
    """Raises Invalid: further ahead than anybody means."""
    if publish_at is not None and publish_at > now + FURTHEST:
        raise Invalid(
            "This is more than ten years ahead.",
            field="publish_at",
            fix=f"Write a time before {now + FURTHEST:%Y-%m-%d}.",
        )


def new_series(values: Mapping[str, Any], *, zone: str) -> dict[str, Any]:
    """The columns of a series that begins with this post; nothing for a post that does not recur.

    Raises:
        Invalid: ``publish_at``, ``recurrence`` or ``timezone``.
    """
    named = values.get("timezone")
    if not values.get("recurrence"):
        return {**_NO_SERIES, "timezone": named and locale.check_timezone(named)}
    starts_at = values.get("publish_at")
    if starts_at is None:
        raise Invalid(
            "A post that recurs needs the time of its first occurrence.",
            field="publish_at",
            fix='Give publish_at, with "status": "draft" if it must not be published yet.',
        )
    return {
        "recurrence": recurrence.check_rule(values["recurrence"], named or zone, starts_at),
        "timezone": named or zone,
        "series_id": uuid4(),
        "slot_at": starts_at,
        "series_starts_at": starts_at,
    }


def check_media_type(platform: str, values: Mapping[str, Any]) -> str | None:
    """What kind of post this is. A draft may lack media or people.

    Raises:
        Invalid: names the field that the platform would refuse.
    """
    template = values.get("template")
    try:
        return platforms.check_post(
            platform,
            text=values.get("text", ""),
            media_urls=values.get("media_urls") or (),
            recipients=values.get("recipients") or (),
            template=Template(**template) if template else None,
            media_type=values.get("media_type"),
            alt_texts=values.get("alt_texts") or (),
        )
    except Invalid as error:
        missing = error.field in {"media_urls", "recipients"} and not values.get(error.field)
        if not (values["status"] == "draft" and missing):
            raise
        kind: str | None = values.get("media_type")
        return kind


def changed(before: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """What a post has after these changes; alt texts go with the media that they described."""
    values = {**before, **changes}
    if "media_urls" in changes and "alt_texts" not in changes:
        values["alt_texts"] = []
    return values


def check_changed(platform: str, values: Mapping[str, Any], changes: Mapping[str, Any]) -> str | None:
    """What kind of post it is after these changes: the same if that fits what it has now, else found anew.
    A story never becomes anything else by itself.

    Raises:
        Invalid: names the field that the platform would refuse.
    """
    try:
        return check_media_type(platform, values)
    except Invalid:
        if "media_type" in changes or values.get("media_type") in (None, "story"):
            raise
        return check_media_type(platform, {**values, "media_type": None})
