"""What Instagram would refuse, known without asking it.

Meta, Instagram Platform, "Content Publishing": captions of 2,200 characters, 30 hashtags, 20 mentions.
"""

import re
from collections.abc import Sequence

from socialsync.errors import Invalid
from socialsync.platforms.content import check_text
from socialsync.platforms.contract import Template
from socialsync.platforms.instagram import formats

CAPTION_LIMIT = 2_200
HASHTAG_LIMIT = 30
MENTION_LIMIT = 20
REPLY_LIMIT = 2_200
"""Characters of a comment, as Instagram's own app has it; Meta's pages name no number for the API."""
MESSAGE_LIMIT = 1_000
"""Bytes of UTF-8 of a direct message (Meta, "Instagram messaging")."""

_HASHTAG = re.compile(r"[#＃]\w")  # noqa: RUF001 - the full-width sign is a hashtag too
_MENTION = re.compile(r"(?<![\w.])@[A-Za-z0-9_]")


def check_post(
    *,
    text: str,
    media_urls: Sequence[str],
    recipients: Sequence[str],
    template: Template | None,
    media_type: str | None,
    alt_texts: Sequence[str],
) -> formats.MediaType:
    """An image, a carousel or a reel, with or without a caption, or a story without.

    Raises:
        Invalid: names the field and the fix.
    """
    found = formats.type_of(media_urls, media_type)
    check_caption(text)
    if found == "story" and text.strip():
        raise Invalid(
            "Instagram shows no text with a story",
            field="text",
            fix="Leave text out; put the words into the picture, or publish an image, a carousel or a reel",
        )
    formats.check_media(media_urls, found)
    formats.check_alt_texts(alt_texts, media_urls, found)
    if recipients:
        raise Invalid("An Instagram post has no recipients", field="recipients", fix="Leave recipients out")
    if template is not None:
        raise Invalid("Instagram has no templates", field="template", fix="Leave template out")
    return found


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


def check_reply(text: str) -> None:
    """Raises Invalid."""
    if not text.strip():
        raise Invalid("A reply to a comment needs a text", field="text", fix="Write one")
    check_text(text, REPLY_LIMIT)


def check_message(text: str) -> None:
    """Raises Invalid."""
    if not text.strip():
        raise Invalid("An Instagram message needs a text", field="text", fix="Write one")
    check_text(text, MESSAGE_LIMIT)
    if (size := len(text.encode())) > MESSAGE_LIMIT:
        raise Invalid(
            f"The message has {size:,} bytes; Instagram takes {MESSAGE_LIMIT:,}",
            field="text",
            fix="Split it",
        )
