"""What Instagram would refuse, known without asking it.

Meta, Instagram Platform, "Content Publishing": JPEG only, captions of 2,200 characters, 30 hashtags, 20
mentions.
"""

import re
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

from socialsync.errors import Invalid
from socialsync.platforms.content import check_text
from socialsync.platforms.contract import Image, Template

CAPTION_LIMIT = 2_200
HASHTAG_LIMIT = 30
MENTION_LIMIT = 20
ALT_TEXT_LIMIT = 1_000
JPEG_ENDINGS = frozenset({"jpg", "jpeg"})

_HASHTAG = re.compile(r"[#＃]\w")  # noqa: RUF001 - the full-width sign is a hashtag too
_MENTION = re.compile(r"(?<![\w.])@[A-Za-z0-9_]")
_UNWRITABLE = re.compile(r"[\s\x00-\x20\x7f\ud800-\udfff]")
_ENDING = re.compile(r"\.([A-Za-z0-9]{1,8})$")


def check_post(
    *, text: str, media_urls: Sequence[str], recipients: Sequence[str], template: Template | None
) -> None:
    """A feed post: one JPEG, with or without a caption.

    Raises:
        Invalid: names the field and the fix.
    """
    check_caption(text)
    _check_media(media_urls)
    if recipients:
        raise Invalid("An Instagram post has no recipients", field="recipients", fix="Leave recipients out")
    if template is not None:
        raise Invalid("Instagram has no templates", field="template", fix="Leave template out")


def check_caption(text: str) -> None:
    check_text(text, CAPTION_LIMIT)
    for pattern, limit, noun in (
        (_HASHTAG, HASHTAG_LIMIT, "hashtags"),
        (_MENTION, MENTION_LIMIT, "mentions"),
    ):
        if (count := len(pattern.findall(text))) > limit:
            raise Invalid(
                f"The caption has {count} {noun}; Instagram takes {limit}",
                field="text",
                fix=f"Remove {count - limit} of them",
            )


def check_image(image: Image) -> None:
    check_image_url(image.url, "media_urls[0]")
    check_text(image.alt_text or "", ALT_TEXT_LIMIT, field="alt_text")


def check_image_url(url: str, field: str) -> None:
    """An absolute http or https URL whose file, if it has an ending, ends like a JPEG."""
    parts = _parts(url)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Invalid(
            "This is not an absolute URL",
            field=field,
            fix="Write it like https://example.org/photo.jpg, with spaces as %20",
        )
    ending = _ENDING.search(parts.path)
    if ending and ending[1].lower() not in JPEG_ENDINGS:
        raise Invalid(
            f"Instagram takes JPEG images only, this is .{ending[1]}",
            field=field,
            fix="Give the URL of a .jpg or .jpeg file",
        )


def _check_media(media_urls: Sequence[str]) -> None:
    if not media_urls:
        raise Invalid(
            "An Instagram post needs an image", field="media_urls", fix="Give the public URL of a JPEG"
        )
    for index, url in enumerate(media_urls):
        check_image_url(url, f"media_urls[{index}]")
    if len(media_urls) > 1:
        raise Invalid(
            "Only one image per Instagram post is possible yet",
            field="media_urls[1]",
            fix="Keep one of the images; post the others separately",
        )


def _parts(url: str) -> SplitResult | None:
    if _UNWRITABLE.search(url):  # urlsplit would quietly drop some of these
        return None
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises when there is no such port
    except ValueError:
        return None
    return parts
