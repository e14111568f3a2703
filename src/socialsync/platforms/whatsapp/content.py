"""What WhatsApp would refuse, known without asking it.

Meta, WhatsApp Cloud API: "Text messages" (4,096 characters), "Message templates" (names and languages).
"""

import json
import re
from collections.abc import Sequence

from socialsync.errors import Invalid
from socialsync.platforms.content import check_text
from socialsync.platforms.contract import Template

TEXT_LIMIT = 4_096

_E164 = re.compile(r"\+[1-9][0-9]{7,14}")
_TEMPLATE_NAME = re.compile(r"[a-z0-9_]{1,512}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Za-z]{2,4})?")


def check_post(
    *, text: str, media_urls: Sequence[str], recipients: Sequence[str], template: Template | None
) -> None:
    """A broadcast: a text or a template to at least one person. With a template, that is what is sent; the
    text then only describes the post.

    Raises:
        Invalid: names the field and the fix.
    """
    if template is None:
        check_message(text)
    else:
        check_template(template)
    if media_urls:
        raise Invalid(
            "Media can't be sent to WhatsApp yet", field="media_urls", fix="Leave media_urls out; send a text"
        )
    _check_recipients(recipients)


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


def _check_recipients(recipients: Sequence[str]) -> None:
    if not recipients:
        raise Invalid(
            "A WhatsApp post needs somebody to go to",
            field="recipients",
            fix='Give at least one phone number, like "+33612345678"',
        )
    seen: dict[str, int] = {}
    for index, recipient in enumerate(recipients):
        if not _E164.fullmatch(recipient):
            raise Invalid(
                "This is not a phone number in international form",
                field=f"recipients[{index}]",
                fix="Write + and country code, 8 to 15 digits in all, without spaces",
            )
        if (first := seen.setdefault(recipient, index)) != index:
            raise Invalid(
                f"This number is already there as recipients[{first}]",
                field=f"recipients[{index}]",
                fix="Remove it, so that nobody gets the message twice",
            )
