"""Whatever people wrote, a mail is a mail: its headers are ours, and so are its tags and links."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from html.parser import HTMLParser
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from socialsync.features.escalations import wording
from socialsync.features.escalations.wording import Letter, Told

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
ONE = UUID(int=1)
URL = "https://sync.example.com"
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=300)
links = st.none() | words | words.map("/".__add__) | words.map("javascript:".__add__)
HEADERS = {
    "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress",
    "MIME-Version", "Content-Type",
}  # fmt: skip
TAGS = {"html", "body", "p", "strong", "span", "blockquote", "a", "hr"}


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.links: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@given(words, words, links, words)
def test_what_people_write_becomes_no_header_no_tag_and_no_link_elsewhere(reason, excerpt, link, channel):
    told = Told("high", reason, excerpt or None, wording.url_of(URL, link, ONE), NOON)
    letter = Letter(ONE, "news", [told], channel, f"{URL}/escalations", NOON)
    content = wording.compose(letter, sender="Desk <desk@example.com>", recipient="a@b.de").as_bytes()
    assert content.isascii()
    assert all(len(line) <= 998 for line in content.split(b"\r\n"))
    mail = message_from_bytes(content, policy=default)
    assert set(mail.keys()) == HEADERS
    assert mail.defects == []
    text = mail.get_body(("plain",)).get_content()
    assert told.url in text
    page = Tags()
    page.feed(mail.get_body(("html",)).get_content())
    assert page.seen <= TAGS
    assert page.links == [told.url, f"{URL}/escalations"]
    if not (link or "").startswith(("http://", "https://")):
        assert told.url.startswith(f"{URL}/")


def test_each_attempt_has_the_same_bytes():
    letter = Letter(ONE, "reminder", [Told("high", "Why", "\u00e9", URL, NOON)], "W", URL, NOON)
    first, again = (wording.compose(letter, sender="a@b.de", recipient="c@d.de").as_bytes() for _ in "12")
    assert first == again


def test_an_address_in_other_letters_is_written_as_it_is():
    letter = Letter(ONE, "news", [Told("high", "Why", None, URL, NOON)], "W", URL, NOON)
    mail = wording.compose(letter, sender="desk@example.com", recipient="m\u00fcller@b\u00e4cker.example")
    assert "To: m\u00fcller@b\u00e4cker.example\r\n".encode() in mail.as_bytes()
