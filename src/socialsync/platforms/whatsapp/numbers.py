"""Phone numbers: how they are written, and when two of them are the same person's.

ITU-T E.164. Meta, WhatsApp Cloud API, "Phone Numbers", on Brazil and Mexico; the national plans of the rest.
"""

import re
from collections.abc import Sequence

from socialsync.errors import Invalid

_E164 = re.compile(r"\+[1-9][0-9]{7,14}")
_SPELLINGS = (
    # Mobile numbers of Mexico had a 1, those of Argentina have a 9 that is often left out
    (re.compile(r"\+521([0-9]{10})"), r"+52\1"),
    (re.compile(r"\+549([0-9]{10})"), r"+54\1"),
    # Those of Brazil got a ninth digit in front; fixed lines begin with 2 to 5
    (re.compile(r"\+55([0-9]{2})9([6-9][0-9]{7})"), r"+55\1\2"),
    # A zero that is only dialled at home
    (re.compile(r"\+(27|3[123]|4[134689]|6[0124]|81|82|9[0124]|351|353|358)0+([1-9][0-9]*)"), r"+\1\2"),
)


def check_recipients(recipients: Sequence[str]) -> None:
    """At least one, each in E.164 and there once, however it is spelled.

    Raises:
        Invalid: names the number.
    """
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
        if (first := seen.setdefault(one_spelling(recipient), index)) != index:
            raise Invalid(
                f"This number is already there as recipients[{first}]",
                field=f"recipients[{index}]",
                fix="Remove it, so that nobody gets the message twice",
            )


def one_spelling(number: str) -> str:
    """The same text for every way to write a number; not to be dialled."""
    for pattern, shorter in _SPELLINGS:
        if found := pattern.fullmatch(number):
            return found.expand(shorter)
    return number
