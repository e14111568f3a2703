"""From a file to blocks of text with their headings and pages. Runs in a process that can be killed: files of
strangers are hostile, and these libraries heavy.
"""

import copy
import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import docx
import lxml.html
import pypdf
import trafilatura

from socialsync.features.knowledge import formats, furniture, paragraphs
from socialsync.features.knowledge.errors import TooLong, Unreadable
from socialsync.features.knowledge.formats import Kind

MOST_PAGES = 5_000
MOST_CHARACTERS = 20_000_000
MOST_UNPACKED = 300 * 2**20
"""Bytes that a DOCX may unpack to."""
MOST_PACKED = 200
"""How many times larger a part of a DOCX may become, from a mebibyte on."""
_HEAD = 8_192
_UTF_8 = lxml.html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_SPACE = re.compile(r"[ \t\xa0]+")
_LINES = re.compile(r"\n{3,}")
_HYPHEN = re.compile(r"(\w)-\n(?=[a-zà-öø-ÿ])")
_ATX = re.compile(r"^#{1,6}\s+(\S.*)$")
_DELIMITER = re.compile(r"[,;\t|]")
_DAMAGED = "The file is damaged or not complete."
_SAVE_AGAIN = "Open it in its own program, save it again and upload that."


@dataclass(frozen=True)
class Block:
    """A run of text under one heading and on one page, counted from 1; None where there are no pages."""

    text: str
    heading: str | None = None
    page: int | None = None


@dataclass(frozen=True)
class Parsed:
    """What was read. ``title`` is the file's own, where it has one."""

    blocks: list[Block]
    pages: int | None = None
    title: str | None = None


def parse(path: str, filename: str | None, content_type: str | None) -> Parsed:
    """Read a file.

    Raises:
        Unreadable: with a sentence for whoever uploaded it.
    """
    file = Path(path)
    with file.open("rb") as opened:
        head = opened.read(_HEAD)
    if not head.strip():
        raise Unreadable("The file is empty.", fix="Upload one with text in it.")
    kind = formats.kind_of(head, filename=filename, content_type=content_type)
    parsed = _READERS[kind](file)
    blocks = [Block(text, block.heading, block.page) for block in parsed.blocks if (text := tidy(block.text))]
    if not blocks:
        scanned = kind == "pdf"
        raise Unreadable(
            "No text was found: the pages are probably scanned pictures."
            if scanned
            else "The file has no text in it.",
            fix="Run it through text recognition (OCR) and upload the result." if scanned else None,
        )
    if sum(len(block.text) for block in blocks) > MOST_CHARACTERS:
        raise TooLong(MOST_CHARACTERS)
    return Parsed(blocks, parsed.pages, tidy(parsed.title or "")[:200] or None)


def tidy(text: str) -> str:
    """Without what cannot be stored or says nothing."""
    text = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    lines = (_SPACE.sub(" ", line).strip() for line in text.split("\n"))
    return _LINES.sub("\n\n", "\n".join(lines)).strip()


def _pdf(file: Path) -> Parsed:
    try:
        return _pages(pypdf.PdfReader(file))
    except (Unreadable, MemoryError):
        raise
    except Exception:  # noqa: BLE001 - whatever pypdf says of a broken file
        raise Unreadable(_DAMAGED, fix=_SAVE_AGAIN) from None


def _pages(reader: pypdf.PdfReader) -> Parsed:
    if reader.is_encrypted and not reader.decrypt(""):
        raise Unreadable(
            "The PDF is protected by a password.", fix="Remove the protection and upload it again."
        )
    count = len(reader.pages)
    if count > MOST_PAGES:
        raise Unreadable(
            f"The PDF has {count:,} pages; {MOST_PAGES:,} are the most.", fix="Split it into parts."
        )
    blocks = [
        Block(_HYPHEN.sub(r"\1", page.extract_text() or ""), page=number)
        for number, page in enumerate(reader.pages, start=1)
    ]
    title = reader.metadata.title if reader.metadata else None
    return Parsed(blocks, count, title if isinstance(title, str) else None)


def _docx(file: Path) -> Parsed:
    try:
        _check_unpacked(file)
        document = docx.Document(str(file))
        blocks = list(_docx_blocks(document))
        title = document.core_properties.title
    except (Unreadable, MemoryError):
        raise
    except Exception:  # noqa: BLE001 - whatever python-docx, zipfile or lxml say of a broken file
        raise Unreadable(_DAMAGED, fix=_SAVE_AGAIN) from None
    return Parsed(blocks, None, title)


def _check_unpacked(file: Path) -> None:
    with zipfile.ZipFile(file) as archive:
        parts = archive.infolist()
        if any(part.flag_bits & 1 for part in parts):
            raise Unreadable("The file is protected by a password.", fix="Remove it and upload it again.")
        if "word/document.xml" not in {part.filename for part in parts}:
            raise Unreadable("The file is an archive, not a Word document.", fix=_SAVE_AGAIN)
        bloated = any(
            part.file_size > 2**20 and part.file_size > MOST_PACKED * max(1, part.compress_size)
            for part in parts
        )
        if bloated or sum(part.file_size for part in parts) > MOST_UNPACKED:
            raise Unreadable("The file unpacks to far more than a document holds.", fix=_SAVE_AGAIN)


def _docx_blocks(document: "docx.document.Document") -> Iterator[Block]:
    names = {style.style_id: style.name or "" for style in document.styles}
    heading: str | None = None
    lines: list[str] = []
    for line in paragraphs.lines(document.element.body, MOST_CHARACTERS):
        style = names.get(line.style, "")
        if style.startswith(("Heading", "Title")) and line.text.strip():
            yield Block("\n".join(lines), heading)
            heading, lines = line.text.strip()[:200], []
        else:
            lines.append(f"- {line.text}" if style.startswith("List") else line.text)
    yield Block("\n".join(lines), heading)


def _html(file: Path) -> Parsed:
    try:
        tree = _page(file)
        title, body = tree.findtext(".//title"), tree.find("body")
        has_article = body is not None and furniture.clear(body)
        found = _article(tree) if has_article else None
    except (ValueError, lxml.etree.LxmlError, RecursionError):
        raise Unreadable(_DAMAGED, fix="Check the page in a browser.") from None
    words = _words(body)
    if not found or len(found) < len(words) // 5:
        found = words  # a page that is all list or table is taken for a menu by trafilatura
    return Parsed(list(_markdown_blocks(found)), None, title)


def _page(file: Path) -> "lxml.html.HtmlElement":
    """The whole tree; trafilatura gives of a fragment its element alone, or nothing."""
    tree = trafilatura.load_html(file.read_bytes())
    if tree is not None and tree.find("body") is not None:
        return tree
    text = _decoded(file) if tree is None else lxml.html.tostring(tree, encoding="unicode")
    return lxml.html.document_fromstring(text.encode(), parser=_UTF_8)


def _article(tree: "lxml.html.HtmlElement") -> str | None:
    return trafilatura.extract(
        copy.deepcopy(tree),
        output_format="markdown",
        include_tables=True,
        include_comments=False,
        favor_recall=True,
    )


def _words(body: "lxml.html.HtmlElement | None") -> str:
    if body is None:
        return ""
    for useless in body.xpath("//script | //style | //noscript | //template"):
        useless.drop_tree()
    for node in body.iter("p", "li", "tr", "div", "br", "h1", "h2", "h3", "h4", "dt", "dd", "section"):
        node.tail = "\n" + (node.tail or "")
    return str(body.text_content())


def _markdown(file: Path) -> Parsed:
    return Parsed(list(_markdown_blocks(_decoded(file))))


def _markdown_blocks(text: str) -> Iterator[Block]:
    """A block for each heading; headings inside fences are none."""
    heading: str | None = None
    lines: list[str] = []
    fenced = False
    for line in text.split("\n"):
        fenced ^= line.lstrip().startswith(("```", "~~~"))
        if not fenced and (found := _ATX.match(line)):
            yield Block("\n".join(lines), heading)
            heading, lines = found[1].rstrip().rstrip("#").rstrip()[:200], []
        else:
            lines.append(line)
    yield Block("\n".join(lines), heading)


def _text(file: Path) -> Parsed:
    return Parsed([Block(_decoded(file))])


def _csv(file: Path) -> Parsed:
    """A row a line, each cell with the name of its column: a row must be understood without the first one."""
    text = _decoded(file)
    try:
        cells = csv.reader(io.StringIO(text), delimiter=_delimiter(text), skipinitialspace=True)
        rows = [row for row in cells if any(cell.strip() for cell in row)]
    except csv.Error:
        raise Unreadable("The rows of the CSV file cannot be told apart.", fix=_SAVE_AGAIN) from None
    if len(rows) < 2:  # noqa: PLR2004 - names and one row
        return Parsed([Block("\n".join(", ".join(row) for row in rows))])
    names, *rest = rows
    lines = (
        "; ".join(
            f"{name.strip()}: {cell.strip()}" if name.strip() else cell.strip()
            for name, cell in zip_longest(names, row, fillvalue="")
            if cell.strip()
        )
        for row in rest
    )
    return Parsed([Block("\n".join(lines))])


def _delimiter(text: str) -> str:
    """What cuts the names of the columns, in the first line that is cut, into most: rows have commas of their
    own, in 6,20 € for one.
    """
    head = next((line for line in text[:_HEAD].splitlines() if _DELIMITER.search(line)), "")
    return max(",;\t|", key=lambda sign: len(next(csv.reader([head], delimiter=sign), [])))


def _decoded(file: Path) -> str:
    """UTF-8, UTF-16 with its mark, else Windows-1252, in which every byte is something."""
    source = file.read_bytes()
    for mark, name in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"", "utf-8-sig")):
        if source.startswith(mark):
            try:
                return source.decode(name)
            except UnicodeDecodeError:
                continue
    return source.decode("cp1252", errors="replace")


_READERS: dict[Kind, Callable[[Path], Parsed]] = {
    "pdf": _pdf, "docx": _docx, "html": _html, "markdown": _markdown, "text": _text, "csv": _csv,
}  # fmt: skip
