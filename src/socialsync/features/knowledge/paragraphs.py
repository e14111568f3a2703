"""What a Word document says, paragraph by paragraph: from its XML, where python-docx leaves out what stands
in tracked insertions, fields, content controls and text boxes. What was deleted, moved away or is only an
instruction is not said. (ECMA-376, part 1, 17.)
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from socialsync.features.knowledge.errors import TooLong

Element: TypeAlias = Any
"""Of lxml."""

_W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MC: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_MATH: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_CHOICE, _FALLBACK = f"{_MC}Choice", f"{_MC}Fallback"
_PARAGRAPH, _TABLE, _ROW, _CELL, _BOX = (f"{_W}{name}" for name in ("p", "tbl", "tr", "tc", "txbxContent"))
_TEXTS: Final = frozenset({f"{_W}t", f"{_MATH}t"})
_SIGNS: Final = {
    f"{_W}{name}": sign
    for name, sign in (("tab", "\t"), ("ptab", "\t"), ("br", "\n"), ("cr", "\n"), ("noBreakHyphen", "-"))
}
_UNSAID: Final = frozenset(
    f"{_W}{name}" for name in ("pPr", "rPr", "del", "moveFrom", "delText", "instrText", "rt", "sdtPr")
)
_CONTENTS: Final = f"{_W}sdtPr/{_W}docPartObj/{_W}docPartGallery[@{_W}val='Table of Contents']"
_BAR: Final = " | "
_MOST_SPAN = 64
"""Columns that a table of Word's has at most."""


@dataclass(frozen=True)
class Line:
    """A paragraph, or the row of a table, whose cells are parted by bars.

    Args:
        style: the id of the paragraph's style; None for the usual one, and of a row.
    """

    text: str
    style: str | None = None


def lines(body: Element, most: int) -> Iterator[Line]:
    """Those of a document, in order; those of a text box follow the paragraph that has it.

    Raises:
        TooLong: they have more characters than ``most``.
    """
    told = 0
    for line in _lines(body, most):
        told += len(line.text)
        if told > most:
            raise TooLong(most)
        yield line


def _lines(container: Element, most: int | None = None) -> Iterator[Line]:
    """Those of a body, a cell or a text box.

    Args:
        most: characters of a row whose cells are repeated; None inside a table, where none are: each level of
            nesting would multiply them.
    """
    for item in _inside(container, _PARAGRAPH, _TABLE):
        if item.tag == _TABLE:
            yield from _rows(item) if most is None else _spanned_rows(item, most)
            continue
        pieces = list(_pieces(item))
        style = item.find(f"{_W}pPr/{_W}pStyle")
        text = "".join(piece for piece in pieces if isinstance(piece, str))
        yield Line(text, None if style is None else style.get(f"{_W}val"))
        for box in pieces:
            if not isinstance(box, str):
                yield from _lines(box, most)


def _inside(container: Element, *wanted: str) -> Iterator[Element]:
    """The elements of these names, also those that are wrapped; a table of contents is none."""
    for child in _said(container):
        if child.tag in wanted:
            yield child
        elif child.find(_CONTENTS) is None:
            yield from _inside(child, *wanted)


def _pieces(element: Element) -> Iterator[str | Element]:
    """The text of a paragraph, piece by piece, and the boxes in it."""
    for child in _said(element):
        if child.tag in _TEXTS:
            yield "".join(child.itertext())  # lxml parts a text at an entity that it does not resolve
        elif child.tag in _SIGNS:
            yield _SIGNS[child.tag]
        elif child.tag == _BOX:
            yield child
        else:
            yield from _pieces(child)


def _said(element: Element) -> Iterable[Element]:
    """The children that say something; of alternatives, which are drawn twice, the first."""
    children = [child for child in element if isinstance(child.tag, str) and child.tag not in _UNSAID]
    chosen = any(child.tag == _CHOICE for child in children)
    alternatives = [child for child in children if child.tag in {_CHOICE, _FALLBACK}]
    return alternatives[:1] if chosen else children


def _rows(table: Element) -> Iterator[Line]:
    for row in _inside(table, _ROW):
        yield Line(_BAR.join(_said_in(cell) for cell in _inside(row, _CELL)))


def _spanned_rows(table: Element, most: int) -> Iterator[Line]:
    """A cell that spans columns or rows is said in each of them: a row must be understood alone."""
    above: list[str] = []
    for row in _inside(table, _ROW):
        cells: list[str] = []
        told = 0
        for cell in _inside(row, _CELL):
            goes_on = cell.find(f"{_W}tcPr/{_W}vMerge")
            if goes_on is not None and goes_on.get(f"{_W}val") != "restart" and len(cells) < len(above):
                text = above[len(cells)]
            else:
                text = _said_in(cell)
            span = _span(cell)
            told += (len(text) + len(_BAR)) * span
            if told > most:
                raise TooLong(most)
            cells += [text] * span
        above = cells
        yield Line(_BAR.join(cells))


def _said_in(cell: Element) -> str:
    return " ".join(line.text.strip() for line in _lines(cell)).strip()


def _span(cell: Element) -> int:
    found = cell.find(f"{_W}tcPr/{_W}gridSpan")
    told = "" if found is None else found.get(f"{_W}val", "")
    return min(max(int(told), 1), _MOST_SPAN) if told.isdecimal() else 1
