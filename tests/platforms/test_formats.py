"""Which media each platform takes for which type of post, by field."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialsync.platforms import Media, Template, check_post, media_of
from socialsync.platforms.whatsapp.numbers import one_spelling
from tests.platforms.test_content import refused_field

JPEG, PNG, GIF = (f"https://example.org/photo.{ending}" for ending in ("jpg", "png", "gif"))
MP4, MOV, PDF, MP3 = (f"https://example.org/file.{ending}" for ending in ("mp4", "MOV", "pdf", "mp3"))
BARE = "https://example.org/file?id=1"
PHONE = "+33612345678"


def instagram(*media_urls: str, **more: Any) -> str | None:
    return check_post("instagram", **{"text": "", "media_urls": media_urls, **more})


def whatsapp(*media_urls: str, **more: Any) -> str | None:
    return check_post("whatsapp", **{"text": "", "media_urls": media_urls, "recipients": [PHONE], **more})


# Instagram


@pytest.mark.parametrize(
    ("media_urls", "told"),
    [
        ([JPEG], "image"),
        ([BARE], "image"),
        ([MP4], "reel"),
        ([MOV], "reel"),
        ([JPEG, JPEG], "carousel"),
        ([JPEG, MP4, BARE], "carousel"),
        ([JPEG] * 10, "carousel"),
    ],
)
def test_the_media_tell_what_an_instagram_post_is(media_urls: list[str], told: str):
    assert instagram(*media_urls) == told
    assert instagram(*media_urls, media_type=told) == told


@pytest.mark.parametrize("media_url", [JPEG, MP4, MOV, BARE])
def test_a_story_is_only_one_when_it_is_said(media_url: str):
    assert instagram(media_url, media_type="story") == "story"
    shown = {"platform": "instagram", "media_urls": [media_url], "media_type": "story"}
    assert refused_field(check_post, **shown, text="A caption") == "text", "nobody would see it"


def test_a_reel_without_an_ending_is_one_when_it_is_said():
    assert instagram(BARE, media_type="reel") == "reel"


@pytest.mark.parametrize(
    ("media_urls", "media_type", "field"),
    [
        ([], None, "media_urls"),
        ([], "story", "media_urls"),
        ([MP4], "image", "media_urls[0]"),
        ([JPEG], "reel", "media_urls[0]"),
        ([PNG], "reel", "media_urls[0]"),
        ([PNG], "story", "media_urls[0]"),
        (["https://example.org/a.webm"], None, "media_urls[0]"),
        ([JPEG, JPEG], "image", "media_urls[1]"),
        ([MP4, MP4], "reel", "media_urls[1]"),
        ([JPEG, JPEG], "story", "media_urls[1]"),
        ([JPEG], "carousel", "media_urls"),
        ([JPEG] * 11, None, "media_urls[10]"),
        ([JPEG] * 11, "carousel", "media_urls[10]"),
        ([JPEG, MP4, PNG], None, "media_urls[2]"),
        ([JPEG, "photo.jpg"], None, "media_urls[1]"),
        ([JPEG], "", "media_type"),
        ([JPEG], "document", "media_type"),
        ([JPEG], "IMAGE", "media_type"),
    ],
)
def test_what_does_not_fit_an_instagram_post_is_named(
    media_urls: list[str], media_type: str | None, field: str
):
    def check() -> None:
        instagram(*media_urls, media_type=media_type)

    assert refused_field(check) == field


def test_alternative_texts_are_for_the_images_of_the_feed():
    instagram(JPEG, alt_texts=["A photo"])
    instagram(JPEG, alt_texts=["é" * 1_000])
    instagram(JPEG, MP4, JPEG, alt_texts=["One", "", "Three"])
    instagram(MP4, alt_texts=[""])
    refusals = {
        "alt_texts[0]": [
            ([JPEG], {"alt_texts": ["a" * 1_001]}),
            ([MP4], {"alt_texts": ["A film"]}),
            ([JPEG], {"alt_texts": ["A photo"], "media_type": "story"}),
            ([JPEG], {"alt_texts": ["half an emoji \ud83d"]}),
        ],
        "alt_texts[1]": [
            ([JPEG], {"alt_texts": ["A photo", "Another"]}),
            ([JPEG, MP4], {"alt_texts": ["A photo", "A film"]}),
        ],
        "alt_texts[2]": [([JPEG] * 3, {"alt_texts": ["1", "2", "a" * 1_001]})],
    }
    for field, posts in refusals.items():
        for media_urls, more in posts:
            assert refused_field(lambda u=media_urls, m=more: instagram(*u, **m)) == field, (media_urls, more)


def test_the_media_of_a_post_know_what_they_are():
    assert media_of(
        "instagram", media_urls=[JPEG, MP4, BARE], media_type="carousel", alt_texts=["A photo", ""]
    ) == [Media(JPEG, "image", "A photo"), Media(MP4, "video"), Media(BARE, "image")]
    assert media_of("instagram", media_urls=[BARE], media_type="reel") == [Media(BARE, "video")]
    assert media_of("instagram", media_urls=[MOV], media_type="story") == [Media(MOV, "video")]
    assert media_of("whatsapp", media_urls=[BARE], media_type="audio") == [Media(BARE, "audio")]
    assert media_of("whatsapp", media_urls=[JPEG], media_type="document") == [Media(JPEG, "document")]


# WhatsApp


@pytest.mark.parametrize(
    ("ending", "told"),
    [
        *((ending, "image") for ending in ("jpg", "JPEG", "png")),
        *((ending, "video") for ending in ("mp4", "3gp")),
        *((ending, "audio") for ending in ("aac", "amr", "mp3", "m4a", "ogg")),
        *((ending, "document") for ending in ("pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "txt")),
    ],
)
def test_the_ending_tells_what_whatsapp_sends(ending: str, told: str):
    url = f"https://example.org/file.{ending}"
    assert whatsapp(url) == told
    assert whatsapp(url, media_type=told) == told
    assert whatsapp(url, media_type="document") == "document"


def test_a_text_and_a_template_have_no_media_type():
    assert whatsapp(text="Hello") is None
    assert whatsapp(template=Template("welcome", "en")) is None


@pytest.mark.parametrize(
    ("media_urls", "more", "field"),
    [
        ([JPEG, JPEG], {}, "media_urls[1]"),
        ([JPEG, "nothing"], {}, "media_urls[1]"),
        (["photo.jpg"], {}, "media_urls[0]"),
        ([GIF], {}, "media_urls[0]"),
        ([MOV], {}, "media_urls[0]"),
        (["https://example.org/a.wav"], {}, "media_urls[0]"),
        ([MP4], {"media_type": "image"}, "media_urls[0]"),
        ([PDF], {"media_type": "audio"}, "media_urls[0]"),
        ([BARE], {}, "media_type"),
        ([JPEG], {"media_type": "reel"}, "media_type"),
        ([JPEG], {"media_type": ""}, "media_type"),
        ([], {"text": "Hello", "media_type": "image"}, "media_type"),
        ([JPEG], {"template": Template("welcome", "en")}, "media_urls"),
        ([], {"template": Template("welcome", "en"), "media_type": "image"}, "media_type"),
        ([JPEG], {"text": "a" * 1_025}, "text"),
        ([MP3], {"text": "Listen"}, "text"),
        ([JPEG], {"alt_texts": ["", "A photo"]}, "alt_texts[1]"),
        ([JPEG], {"recipients": []}, "recipients"),
    ],
)
def test_what_does_not_fit_a_whatsapp_message_is_named(
    media_urls: list[str], more: dict[str, Any], field: str
):
    assert refused_field(lambda: whatsapp(*media_urls, **more)) == field


def test_a_medium_may_have_a_caption_and_needs_none():
    for url in (JPEG, MP4, PDF):
        whatsapp(url)
        whatsapp(url, text="😀" * 1_024, alt_texts=[""])
    whatsapp(MP3)
    whatsapp(BARE, media_type="video")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+33612345678", "+330612345678"),
        ("+447911123456", "+4407911123456"),
        ("+525512345678", "+5215512345678"),
        ("+541123456789", "+5491123456789"),
        ("+5511987654321", "+551187654321"),
    ],
)
def test_a_number_that_is_spelled_in_two_ways_is_one(one: str, other: str):
    for recipients in ([one, PHONE[:-1] + "0", other], [other, PHONE[:-1] + "0", one]):
        assert refused_field(lambda r=recipients: whatsapp(text="Hello", recipients=r)) == "recipients[2]"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+390612345678", "+39612345678"),  # in Italy the zero is dialled
        ("+551132345678", "+5511932345678"),  # a fixed line of Brazil has eight digits
        ("+33612345678", "+33712345678"),
        ("+15551234567", "+1555123456"),
    ],
)
def test_other_numbers_are_others(one: str, other: str):
    whatsapp(text="Hello", recipients=[one, other])


@given(st.from_regex(r"\+[1-9][0-9]{7,14}", fullmatch=True))
def test_one_spelling_is_its_own(number: str):
    assert one_spelling(one_spelling(number)) == one_spelling(number)
