"""What becomes of a file: passages with headings and pages, or a sentence that says why not."""

import tracemalloc

import pytest

from socialsync.features.knowledge import paragraphs
from socialsync.features.knowledge.chunking import MOST_TOKENS, cut, read, tokens
from socialsync.features.knowledge.errors import Unreadable
from socialsync.features.knowledge.parsing import MOST_PAGES, Block, parse
from tests.knowledge import papers

SPOKEN = ("en", "fr", "es", "de", "ar")
MARKDOWN = """# Le Port

## Horaires
Nous sommes ouverts du mardi au samedi, de midi à quatorze heures trente. Fermé le dimanche.

```
# no heading
```

## Prices
The lunch menu costs 19 euros, drinks included. Children under ten eat for half of that.
"""


@pytest.fixture
def reading(tmp_path):
    def reading(content: bytes, filename: str | None, content_type: str | None = None):
        path = tmp_path / "file"
        path.write_bytes(content)
        return read(str(path), filename, content_type, SPOKEN)

    return reading


def refusal(reading, content: bytes, filename: str | None, content_type: str | None = None) -> str:
    with pytest.raises(Unreadable) as refused:
        reading(content, filename, content_type)
    return refused.value.message


def test_markdown_keeps_headings_and_tells_languages_apart(reading):
    found = reading(MARKDOWN.encode(), "port.md")
    assert [(p.heading, p.language) for p in found.passages] == [("Horaires", "fr"), ("Prices", "en")]
    assert "# no heading" in found.passages[0].text


def test_a_pdf_keeps_its_pages(reading):
    found = reading(papers.pdf("We open at nine in the morning.", "We close at six in the evening."), "a.pdf")
    assert found.pages == 2
    assert found.passages[0].page == 1
    assert "six in the evening" in found.passages[-1].text


def test_a_word_document_gives_headings_lists_and_tables(reading):
    content = papers.word(
        ("Heading 1", "Delivery"), ("Normal", "Within two days."), ("List Bullet", "Free above 50"),
        table=[["Country", "Price"], ["Spain", "7 euros"]],
    )  # fmt: skip
    (passage,) = reading(content, "terms.docx").passages
    assert passage.heading == "Delivery"
    assert "- Free above 50" in passage.text
    assert "Spain | 7 euros" in passage.text


def run(text: str) -> str:
    return f"<w:r><w:t xml:space='preserve'>{text}</w:t></w:r>"


BOX = f"<w:txbxContent><w:p>{run('in a box')}</w:p></w:txbxContent>"
ALTERNATIVES = (
    f"<mc:AlternateContent><mc:Choice Requires='wps'><w:drawing><wps:txbx>{BOX}</wps:txbx></w:drawing>"
    f"</mc:Choice><mc:Fallback><w:pict><v:textbox>{BOX}</v:textbox></w:pict></mc:Fallback>"
    "</mc:AlternateContent>"
)
WORDS = {
    "tracked insertion": (f"{run('a ')}<w:ins w:id='1'>{run('new ')}</w:ins>{run('word')}", "a new word"),
    "tracked deletion": (
        f"{run('a')}<w:del w:id='1'><w:r><w:delText>n old</w:delText></w:r></w:del>{run(' word')}", "a word"),
    "move": (
        f"<w:moveFrom w:id='1'>{run('old ')}</w:moveFrom><w:moveTo w:id='2'>{run('new')}</w:moveTo>", "new"),
    "link": (f"{run('see ')}<w:hyperlink w:anchor='x'>{run('this')}</w:hyperlink>{run('.')}", "see this."),
    "link in an insertion": (
        f"<w:ins w:id='1'><w:hyperlink w:anchor='x'>{run('this')}</w:hyperlink></w:ins>{run('.')}", "this."),
    "field": (f"{run('page ')}<w:fldSimple w:instr='PAGE'>{run('7')}</w:fldSimple>", "page 7"),
    "instruction": (f"<w:r><w:instrText>DATE</w:instrText></w:r>{run('Monday')}", "Monday"),
    "content control": (f"<w:sdt><w:sdtPr/><w:sdtContent>{run('chosen')}</w:sdtContent></w:sdt>", "chosen"),
    "smart tag": (f"<w:smartTag w:element='city'>{run('Lyon')}</w:smartTag>", "Lyon"),
    "known entity": (run("salt &amp; pepper &lt;b&gt; &#233;t&#xE9;"), "salt & pepper <b> été"),
    "entity of its own": (run("by &house; since 1920"), "by &house; since 1920"),
    "box drawn twice": (f"{run('beside')}<w:r>{ALTERNATIVES}</w:r>", "beside\nin a box"),
    "old box": (f"<w:r><w:pict><v:textbox>{BOX}</v:textbox></w:pict></w:r>", "in a box"),
    "breaks": ("<w:r><w:t>a</w:t><w:br/><w:t>b</w:t><w:tab/><w:t>c</w:t></w:r>", "a\nb c"),
}  # fmt: skip


@pytest.mark.parametrize(("written", "said"), WORDS.values(), ids=WORDS)
def test_a_word_document_says_all_that_its_reader_sees(reading, written, said):
    content = papers.word_xml(f"<w:p>{written}</w:p>", "<!DOCTYPE x [<!ENTITY house 'Le Port'>]>")
    (passage,) = reading(content, "terms.docx").passages
    assert passage.text == said


def test_what_word_wraps_as_a_whole_is_read_and_its_table_of_contents_is_not(reading):
    wrapped = f"<w:sdt><w:sdtPr/><w:sdtContent><w:p>{run('a cover')}</w:p></w:sdtContent></w:sdt>"
    gallery = "<w:docPartObj><w:docPartGallery w:val='Table of Contents'/></w:docPartObj>"
    contents = wrapped.replace("<w:sdtPr/>", f"<w:sdtPr>{gallery}</w:sdtPr>").replace("a cover", "Chapter 9")
    cells = f"<w:tc>{wrapped}</w:tc><w:tc><w:p><w:ins w:id='1'>{run('9 euros')}</w:ins></w:p></w:tc>"
    table = f"<w:tbl><w:ins w:id='2'><w:tr>{cells}</w:tr></w:ins></w:tbl>"
    (passage,) = reading(papers.word_xml(wrapped + contents + table), "terms.docx").passages
    assert passage.text == "a cover\na cover | 9 euros"


def test_a_cell_that_spans_is_said_in_each_row_and_column(reading):
    def cell(text, more=""):
        return f"<w:tc><w:tcPr>{more}</w:tcPr><w:p>{run(text)}</w:p></w:tc>"

    first = cell("Spain", "<w:vMerge w:val='restart'/>") + cell("7 euros", "<w:gridSpan w:val='2'/>")
    second = cell("", "<w:vMerge/>") + cell("land") + cell("sea")
    table = f"<w:tbl><w:tr>{first}</w:tr><w:tr>{second}</w:tr></w:tbl>"
    (passage,) = reading(papers.word_xml(table), "terms.docx").passages
    assert passage.text == "Spain | 7 euros | 7 euros\nSpain | land | sea"


def table(*cells: str, more: str = "") -> str:
    """Each cell in a row of its own."""
    rows = "".join(f"<w:tr><w:tc><w:tcPr>{more}</w:tcPr>{cell}<w:p/></w:tc></w:tr>" for cell in cells)
    return f"<w:tbl>{rows}</w:tbl>"


@pytest.mark.parametrize(("more", "often"), [("<w:gridSpan w:val='64'/>", 64), ("<w:vMerge/>", 3)])
def test_tables_in_tables_do_not_multiply(reading, more, often):
    """Three levels of 64 columns would say a word 262,144 times; of three rows that go on, 27 times."""
    written = f"<w:p>{run('land')}</w:p>"
    for _ in range(3):
        written = table(written, "", "", more=more)
    found = reading(papers.word_xml(written), "terms.docx")
    assert sum(passage.text.count("land") for passage in found.passages) == often


@pytest.mark.parametrize(("columns", "rows"), [(64, 100), (1, 6_000)])
def test_a_cell_that_spans_too_much_is_told_before_it_fills_the_memory(reading, columns, rows):
    """50,000 characters, which would be some 300 million."""
    more = f"<w:gridSpan w:val='{columns}'/><w:vMerge/>"
    wide = table(f"<w:p>{run('land ' * 10_000)}</w:p>", *[""] * (rows - 1), more=more)
    tracemalloc.start()
    try:
        assert "more than 20,000,000 characters" in refusal(reading, papers.word_xml(wide), "terms.docx")
        assert tracemalloc.get_traced_memory()[1] < 100 * 2**20
    finally:
        tracemalloc.stop()


def test_want_of_memory_is_no_damage_to_a_word_document(reading, monkeypatch):
    def lines(body, most):
        raise MemoryError

    monkeypatch.setattr(paragraphs, "lines", lines)
    with pytest.raises(MemoryError):
        reading(papers.word(("Normal", "text")), "terms.docx")


def test_a_page_of_the_web_loses_its_menus_and_scripts(reading):
    html = (
        "<!doctype html><html><head><title>Prices</title></head><body><nav><a href=/>Home</a></nav>"
        "<script>alert(1)</script><h2>Massage</h2><p>An hour of massage costs 60 euros, every day.</p>"
        "</body></html>"
    )
    found = reading(html.encode(), "prices.html")
    text = " ".join(p.text for p in found.passages)
    assert "60 euros" in text
    assert "alert" not in text
    assert found.title == "Prices"


LINKS = (
    "<ul><li><a href=/>Home</a></li><li><a href=/menu>Our menu</a></li><li><a href=/c>Contact</a></li></ul>"
)
AROUND = {
    "nav": f"<nav>{LINKS}</nav>",
    "a menu without its element": f"<div class='main-menu'>{LINKS}</div>",
    "role": f"<div role=navigation>{LINKS}</div>",
    "cookies": "<div id=cookie-banner><p>We use cookies for your comfort.</p><button>Accept</button></div>",
    "breadcrumbs": "<nav><a href=/>Home</a> / <a href=/h>Practical things</a> / Hours</nav>",
    "role of a menu": f"<div role=menubar>{LINKS}</div>",
    "an alert about cookies": "<div role=alertdialog><p>We use cookies.</p><button>Accept</button></div>",
    "footer": "<footer><p>Copyright 2026 Le Port. All rights reserved.</p></footer>",
}
OWN = "<h1>Opening hours</h1><p>We open at nine and close at six.</p>"


def page(reading, body: str) -> str:
    found = reading(
        f"<!doctype html><html><head><title>t</title></head><body>{body}</body></html>".encode(), "a.html"
    )
    return " ".join(f"{p.heading or ''} {p.text}" for p in found.passages).strip()


@pytest.mark.parametrize("around", [*AROUND.values(), "".join(AROUND.values())], ids=[*AROUND, "all of it"])
@pytest.mark.parametrize("own", [OWN, f"<article>{OWN}</article>", f"<main><div>{OWN}</div></main>"])
def test_of_a_short_page_only_its_own_is_learnt(reading, around, own):
    assert " ".join(page(reading, around + own).split()) == (
        "Opening hours We open at nine and close at six."
    )


PROSE = f"<p>{'We tell of opening hours and of prices of the house. ' * 3}</p>"
KEPT = {
    "hours in the footer": (
        f"<h1>Le Port</h1>{AROUND['nav']}<footer>Open from nine to six.</footer>",
        "nine to six",
    ),
    "nothing but a menu": (f"<nav>{LINKS}</nav>", "Our menu"),
    "a menu of dishes": (
        "<h1>Le Port</h1><ul id=menu><li>Soup, 6 euros</li><li>Fish, 18 euros</li></ul>",
        "18 euros",
    ),
    "a page in a wrapper": (
        f"<div class='consent-given'>{OWN}</div><p>Written by the people of the house.</p>",
        "close at six",
    ),
    "a page in a wrapper without a heading": (
        f"<div class='gdpr page'>{PROSE * 2}</div><p>Contact: 12 Main Street.</p>",
        "prices of the house. We tell",
    ),
    "dishes with a menu's role": (f"{PROSE}<ul role=menu><li>Soup, 6 euros</li></ul>", "Soup, 6 euros"),
    "an alert": (
        f"<div role=alertdialog><p>Closed on 24 December.</p></div>{PROSE}",
        "Closed on 24 December",
    ),
    "a page about cookies": (
        f"<main>{PROSE}<section id=cookie-settings><p>We keep one for 30 days.</p></section></main>",
        "for 30 days",
    ),
    "hours beside the page": (
        f"{PROSE}<nav><h2>Opening hours</h2><p>Monday nine to five.</p></nav>",
        "Monday nine to five",
    ),
}


@pytest.mark.parametrize(("body", "kept"), KEPT.values(), ids=KEPT)
def test_what_a_page_has_of_its_own_is_kept_wherever_it_stands(reading, body, kept):
    assert kept in page(reading, body)


def test_a_page_that_does_not_name_its_encoding_is_read_all_the_same(reading):
    assert "Fermé à Noël, ouvert l'été" in page(reading, "<ul><li>Fermé à Noël, ouvert l'été</li></ul>" * 3)


FRAGMENTS = {
    "a paragraph": "<p>Fermé à Noël.</p>",
    "words": "Fermé à Noël.",
    "paragraphs": "<p>Fermé à Noël.</p><p>Ouvert l'été.</p>",
    "a list": "<ul><li>Fermé à Noël.<li>Ouvert l'été.</ul>",
    "a heading in a division": "<div><h1>Horaires</h1><p>Fermé à Noël.</p></div>",
    "a body": "<body><h1>Horaires</h1><p>Fermé à Noël.</p></body>",
    "no head": "<?xml version='1.0'?><html><body><h1>Horaires</h1><p>Fermé à Noël.</p></body></html>",
    "a comment first": "<!-- saved --><html><body><h1>Horaires</h1><p>Fermé à Noël.</p></body></html>",
}


@pytest.mark.parametrize("written", FRAGMENTS.values(), ids=FRAGMENTS)
def test_a_fragment_of_a_page_is_read_as_a_page(reading, written):
    found = reading(written.encode(), "a.html")
    assert "Fermé à Noël." in " ".join(passage.text for passage in found.passages)


def test_each_row_of_a_csv_can_be_understood_alone(reading):
    (passage,) = reading("dish;price\nSoup;6 €\nFish;18 €\n".encode(), "menu.csv").passages
    assert passage.text.split("\n") == ["dish: Soup; price: 6 €", "dish: Fish; price: 18 €"]


def test_old_encodings_are_understood(reading):
    text = "Fermé à Noël. Das Café öffnet früh."
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
        (passage,) = reading(text.encode(encoding), "a.txt").passages
        assert passage.text == text


@pytest.mark.parametrize(
    ("content", "filename", "said"),
    [
        (b"", "a.pdf", "empty"),
        (b" \n ", "a.txt", "empty"),
        (papers.pdf("secret", password="x"), "a.pdf", "password"),
        (papers.pdf("", ""), "scan.pdf", "scanned"),
        (b"%PDF-1.7\nnothing of a pdf", "a.pdf", "damaged"),
        (papers.pdf("whole")[:200], "a.pdf", "damaged"),
        (b"PK\x03\x04nothing of a zip", "a.docx", "damaged"),
        (b"\x89PNG\r\n\x1a\n....", "photo.pdf", "PNG"),
        (papers.pdf("text"), "notes.txt", "is a PDF"),
        (papers.word(("Normal", "text")), "notes.pdf", "ZIP"),
        (b"MZ\x90\x00program", "setup.exe", "program"),
        (b"\x00\x01\x02" * 100, "data.txt", "neither text"),
        (b"plain words", "a.pdf", "no PDF"),
        (b"plain words", "a.xyz", ".xyz"),
        (b"\xd0\xcf\x11\xe0old", "a.doc", "old Office"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_says_why(reading, content, filename, said):
    assert said in refusal(reading, content, filename)


def test_a_file_that_unpacks_to_too_much_is_refused(reading):
    assert "unpacks" in refusal(reading, papers.bomb(), "a.docx")


def test_too_many_pages_are_told(reading):
    """A file of many pages that share one empty content is small."""
    assert "the most" in refusal(reading, papers.pdf(*[""] * (MOST_PAGES + 1)), "a.pdf")


def test_passages_end_where_sentences_do_and_are_neither_too_long_nor_tiny():
    text = " ".join(f"This is the sentence with the number {n}, and it says something." for n in range(400))
    cuts = list(cut([Block(text)]))
    assert all(tokens(piece) <= MOST_TOKENS for piece, _, _ in cuts)
    assert all(piece.endswith(".") for piece, _, _ in cuts)
    assert " ".join(piece for piece, _, _ in cuts) == text
    short = list(cut([Block("One.", "h"), Block("Two.", "h"), Block("Three.", "g")]))
    assert [(piece, heading) for piece, heading, _ in short] == [("One.\nTwo.", "h"), ("Three.", "g")]


def test_an_endless_word_is_cut_too():
    assert all(tokens(piece) <= MOST_TOKENS for piece, _, _ in cut([Block("x" * 20_000)]))


def test_nothing_that_postgres_cannot_store_comes_through(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"a\x0bb \x1b[0m c\r\n\r\n\r\n\r\nd" + "\N{NO-BREAK SPACE}e".encode())
    (block,) = parse(str(path), "a.txt", None).blocks
    assert block.text == "ab [0m c\n\nd e"
