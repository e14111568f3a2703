"""Files as people upload them, made here: good ones and hostile ones."""

import io
import zipfile

import docx
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject


def pdf(*pages: str, password: str | None = None) -> bytes:
    """A PDF with these texts, a page each; an empty text makes a page like a scanned one."""
    writer = PdfWriter()
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }
    )
    shared = writer._add_object(font)
    for text in pages:
        page = writer.add_blank_page(612, 792)
        page[NameObject("/Resources")] = DictionaryObject(
            {NameObject("/Font"): DictionaryObject({NameObject("/F1"): shared})}
        )
        stream = DecodedStreamObject()
        shown = text.replace("\\", "\\\\").replace("(", r"\(").replace(")", r"\)")
        lines = "".join(f"({line}) Tj T* " for line in shown.split("\n"))
        stream.set_data(f"BT /F1 12 Tf 14 TL 72 720 Td {lines}ET".encode("latin-1") if text else b"")
        page[NameObject("/Contents")] = writer._add_object(stream)
    if password:
        writer.encrypt(password)
    return _written(writer)


def word(*paragraphs: tuple[str, str], table: list[list[str]] | None = None) -> bytes:
    """A DOCX with paragraphs of (style, text) and perhaps a table."""
    document = docx.Document()
    for style, text in paragraphs:
        document.add_paragraph(text, style=style)
    if table:
        grid = document.add_table(rows=len(table), cols=len(table[0]))
        for row, cells in zip(grid.rows, table, strict=True):
            for cell, text in zip(row.cells, cells, strict=True):
                cell.text = text
    return _written(document, "save")


def word_xml(body: str, doctype: str = "") -> bytes:
    """A DOCX with this in its body, where ``w``, ``wps``, ``mc`` and ``v`` are names of Word's."""
    spaces = (
        'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
        ' xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
        ' xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
        ' xmlns:v="urn:schemas-microsoft-com:vml"'
    )
    content = f"<?xml version='1.0'?>{doctype}<w:document {spaces}><w:body>{body}</w:body></w:document>"
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(word())) as usual, zipfile.ZipFile(written, "w") as archive:
        for name in usual.namelist():
            archive.writestr(name, content if name == "word/document.xml" else usual.read(name))
    return written.getvalue()


def bomb() -> bytes:
    """A DOCX whose body unpacks to 400 MiB."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        body = archive.open("word/document.xml", "w", force_zip64=True)
        with body:
            for _ in range(400):
                body.write(b" " * 2**20)
    return packed.getvalue()


def _written(document, verb: str = "write") -> bytes:
    stream = io.BytesIO()
    getattr(document, verb)(stream)
    return stream.getvalue()
