"""What WhatsApp would refuse, known without asking it.

Meta, WhatsApp Cloud API: "Text messages" (4,096 characters), "Message templates" (names and languages).
"""

import json
import re
from collections.abc import Sequence

from socialsync.errors import Invalid
from socialsync.platforms.content import check_text
from socialsync.platforms.contract import MediaKind, Template
from socialsync.platforms.whatsapp import formats, numbers, templates

TEXT_LIMIT = 4_096

_TEMPLATE_NAME = re.compile(r"[a-z0-9_]{1,512}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Za-z]{2,4})?")


def check_post(
    *,
    text: str,
    media_urls: Sequence[str],
    recipients: Sequence[str],
    template: Template | None,
    media_type: str | None,
    alt_texts: Sequence[str],
) -> MediaKind | None:
    """A broadcast to at least one person: a text, a medium with the text as its caption, or a template. With
    a template, that is what is sent; the text then only describes the post.

    Raises:
        Invalid: names the field and the fix.
    """
    kind: MediaKind | None = None
    if template is not None:
        _check_no_media(media_urls, media_type)
        check_template(template)
    elif media_urls:
        kind = formats.check_media(media_urls, media_type)
        formats.check_caption(text, kind)
    else:
        if media_type is not None:
            raise Invalid(
                "The post has no media", field="media_type", fix="Leave media_type out, or give media_urls"
            )
        check_message(text)
    for index, alt_text in enumerate(alt_texts):
        if alt_text:
            raise Invalid(
                "WhatsApp has no alternative texts",
                field=f"alt_texts[{index}]",
                fix="Leave alt_texts out; describe the image in the text",
            )
    numbers.check_recipients(recipients)
    return kind


def check_message(text: str) -> None:
    if not text.strip():
        raise Invalid("A WhatsApp message needs a text", field="text", fix="Write one, or name a template")
    check_text(text, TEXT_LIMIT)


def check_template(template: Template) -> None:
    if not _TEMPLATE_NAME.fullmatch(template.name):
        raise Invalid(
            "A template's name has only lower-case letters, digits and underscores",
            field="template.name",
            fix="Copy the name from the WhatsApp Manager",
        )
    if not _LANGUAGE.fullmatch(template.language):
        raise Invalid(
            "This is not a template language", field="template.language", fix="Write it like en or en_US"
        )
    try:
        json.dumps([dict(each) for each in template.components], ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, TypeError, RecursionError):
        raise Invalid(
            "The template's components are not a list of JSON objects that can be sent",
            field="template.components",
            fix='Write them as WhatsApp does: [{"type": "body", "parameters": [...]}]',
        ) from None
    templates.check_components(list(template.components))


def _check_no_media(media_urls: Sequence[str], media_type: str | None) -> None:
    if media_urls or media_type is not None:
        raise Invalid(
            "A template brings its own media",
            field="media_urls" if media_urls else "media_type",
            fix="Leave it out; name the media in the template's components",
        )
