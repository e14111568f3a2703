"""What kind of file this is: by its first bytes, and whether its name says the same. Pure.

Only kinds that can be read are told apart; others are named, so that the sentence helps.
"""

import codecs
from pathlib import PurePosixPath
from typing import Literal

from socialsync.features.knowledge.errors import Unreadable

Kind = Literal["pdf", "docx", "html", "markdown", "text", "csv"]

ENDINGS: dict[str, Kind] = {
    ".pdf": "pdf", ".docx": "docx", ".html": "html", ".htm": "html", ".xhtml": "html", ".md": "markdown",
    ".markdown": "markdown", ".txt": "text", ".text": "text", ".log": "text", ".csv": "csv", ".tsv": "csv",
}  # fmt: skip
TYPES: dict[str, Kind] = {
    "application/pdf": "pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "text/html": "html",
    "application/xhtml+xml": "html",
    "text/markdown": "markdown",
    "text/plain": "text",
    "text/csv": "csv",
    "text/tab-separated-values": "csv",
}
_OTHERS = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"RIFF", "a sound, film or picture file"),
    (b"\xd0\xcf\x11\xe0", "an old Office file (.doc, .xls or .ppt)"),
    (b"{\\rtf", "an RTF file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"OggS", "a sound or film file"),
    (b"ID3", "a sound file"),
)
_TAKEN = "Upload a PDF, DOCX, HTML, Markdown, text or CSV file."
_NAMES: dict[str, str] = {
    "pdf": "a PDF", "docx": "a Word document", "html": "an HTML page", "zip": "a ZIP archive",
}  # fmt: skip


def kind_of(head: bytes, *, filename: str | None, content_type: str | None) -> Kind:
    """What the file is.

    Args:
        head: its first kilobytes.

    Raises:
        Unreadable: it is of no kind that we read, or it is not what its name says.
    """
    seen = _by_content(head)
    told = _by_name(filename, content_type)
    ending = PurePosixPath(filename or "").suffix.lower()
    if told is None and ending and seen is None and ending not in ENDINGS:
        raise Unreadable(f"Files that end in {ending} cannot be read.", fix=_TAKEN)
    if seen == "zip":
        if told == "docx" or told is None:
            return "docx"
        raise Unreadable(f"The file is called {filename} but is a ZIP archive.", fix=_TAKEN)
    if seen is not None:
        if told is not None and told != seen and not (seen == "html" and told in {"markdown", "text"}):
            raise Unreadable(
                f"The file is called {filename or told} but is {_NAMES[seen]}.",
                fix="Give it the right ending and upload it again.",
            )
        return told if told in {"markdown", "text"} else seen
    if told in {"pdf", "docx"}:
        raise Unreadable(
            f"The file is called {filename or told} but is no {told.upper()} file, or a damaged one.",
            fix="Open it in its own program, save it again and upload that.",
        )
    if not _is_text(head):
        raise Unreadable("The file is neither text nor a document that can be read.", fix=_TAKEN)
    return told or "text"


def named(content_type: str | None) -> Kind | None:
    """The kind that a MIME type, with its parameters, names."""
    return TYPES.get((content_type or "").partition(";")[0].strip().lower())


def _by_content(head: bytes) -> Literal["pdf", "html", "zip"] | None:
    for magic, name in _OTHERS:
        if head.startswith(magic):
            raise Unreadable(f"The file is {name}.", fix=_TAKEN)
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith(b"PK\x03\x04"):
        return "zip"
    start = head.lstrip(codecs.BOM_UTF8 + b" \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "html"
    return None


def _by_name(filename: str | None, content_type: str | None) -> Kind | None:
    ending = PurePosixPath(filename or "").suffix.lower()
    return ENDINGS.get(ending) if ending else named(content_type)


def _is_text(head: bytes) -> bool:
    if head.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF8)):
        return True
    strange = sum(byte < 9 or 13 < byte < 32 for byte in head)  # noqa: PLR2004 - control characters of ASCII
    return b"\0" not in head and strange <= max(4, len(head) // 100)
