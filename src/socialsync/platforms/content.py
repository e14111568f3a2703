"""Rules for content that hold on every platform."""

import re
from urllib.parse import SplitResult, urlsplit

from socialsync.errors import Invalid

_UNWRITABLE = re.compile(r"[\s\x00-\x20\x7f\ud800-\udfff]")
_ENDING = re.compile(r"\.([A-Za-z0-9]{1,8})$")


def check_text(text: str, limit: int, *, field: str = "text") -> None:
    """Refuse a text that is too long or that can't be sent at all.

    The limit is in characters, counted as Unicode code points.

    Raises:
        Invalid: names the field.
    """
    if len(text) > limit:
        raise Invalid(
            f"The text has {len(text):,} characters, {len(text) - limit:,} too many",
            field=field,
            fix=f"Shorten it to {limit:,} characters",
        )
    if any(each == "\0" or "\ud800" <= each <= "\udfff" for each in text):
        raise Invalid(
            "The text has NUL characters or halves of Unicode surrogate pairs, which can't be sent",
            field=field,
            fix="Remove them; often they are an emoji that was cut in two",
        )


def check_url(url: str, field: str) -> None:
    """Refuse what is no absolute http or https URL.

    Raises:
        Invalid: names the field.
    """
    parts = _parts(url)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Invalid(
            "This is not an absolute URL",
            field=field,
            fix="Write it like https://example.org/photo.jpg, with spaces as %20",
        )


def ending_of(url: str) -> str:
    """The ending of the URL's file in lower case, without its dot; empty when it has none."""
    parts = _parts(url)
    found = _ENDING.search(parts.path) if parts else None
    return found[1].lower() if found else ""


def _parts(url: str) -> SplitResult | None:
    if _UNWRITABLE.search(url):  # urlsplit would quietly drop some of these
        return None
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises when there is no such port
    except ValueError:
        return None
    return parts
