"""Which language a text is in, and how Postgres cuts it into words. Runs beside the parsers: lingua is heavy.

Unsure is no language at all, rather than a wrong one: ``simple`` finds words as they stand.
"""

from collections.abc import Sequence
from functools import cache

from lingua import IsoCode639_1, Language, LanguageDetector, LanguageDetectorBuilder

USUAL = ("en", "fr", "es", "de", "ar")
SURE = 0.5
_SAMPLE = 2_000
"""Characters that are looked at: more only takes longer."""


def detect(text: str, languages: Sequence[str]) -> str | None:
    """ISO 639-1 of the language, one of the workspace's or the usual; None when none is likely enough."""
    detector = _detector(tuple(sorted({*languages, *USUAL})))
    found = detector.compute_language_confidence_values(text[:_SAMPLE])
    if not found or found[0].value < SURE:
        return None
    return found[0].language.iso_code_639_1.name.lower()


@cache
def _detector(codes: tuple[str, ...]) -> LanguageDetector:
    known = {language.iso_code_639_1.name.lower() for language in Language.all()}
    wanted = [IsoCode639_1.from_str(code) for code in codes if code in known]
    return LanguageDetectorBuilder.from_iso_codes_639_1(*wanted).build()
