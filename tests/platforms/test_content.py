"""What each platform would refuse, by field."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from socialsync.errors import Invalid
from socialsync.platforms import PLATFORMS, Template, check_post

JPEG = "https://example.org/photo.jpg"
PHONE = "+33612345678"
WELCOME = Template("welcome", "en_US")


def instagram(text: str = "", media_urls: Any = (JPEG,), **more: Any) -> None:
    check_post("instagram", text=text, media_urls=media_urls, **more)


def whatsapp(text: str = "Hello", recipients: Any = (PHONE,), **more: Any) -> None:
    check_post("whatsapp", text=text, recipients=recipients, **more)


def refused_field(check: Any, **content: Any) -> str | None:
    with pytest.raises(Invalid) as refused:
        check(**content)
    assert refused.value.fix
    return refused.value.field


def test_the_platforms_have_their_names():
    assert list(PLATFORMS) == ["whatsapp", "instagram"]


def test_an_unknown_platform_is_refused_by_name():
    assert refused_field(check_post, platform="telegram", text="Hello") == "platform"


# Instagram


@pytest.mark.parametrize(
    "url",
    [
        JPEG,
        "http://127.0.0.1:8000/media/1.JPEG",
        "https://example.org/photo",
        "https://example.org/photo?format=.png",
        "https://example.org/v1.2/photo",
        "https://example.org",
        "https://bücher.example/größe.jpg",
        "https://[::1]/a.jpg",
    ],
)
def test_a_jpeg_by_absolute_url_is_taken(url: str):
    instagram(media_urls=[url])


@pytest.mark.parametrize(
    "url",
    [
        "",
        "photo.jpg",
        "/photo.jpg",
        "//example.org/photo.jpg",
        "ftp://example.org/photo.jpg",
        "file:///etc/photo.jpg",
        "javascript:alert(1).jpg",
        "https:///photo.jpg",
        "https://example.org/photo.png",
        "https://example.org/photo.jpg.GIF",
        "https://example.org/a photo.jpg",
        " https://example.org/photo.jpg",
        "https://example.org/photo.jpg\n",
        "https://exam\tple.org/photo.jpg",
        "https://example.org:99999/photo.jpg",
        "https://[::1/photo.jpg",
        "https://example.org/\ud83d.jpg",
    ],
)
def test_any_other_media_is_refused_by_its_index(url: str):
    assert refused_field(instagram, media_urls=[url]) == "media_urls[0]"


def test_exactly_one_image():
    assert refused_field(instagram, media_urls=[]) == "media_urls"
    assert refused_field(instagram, media_urls=[JPEG, JPEG], media_type="image") == "media_urls[1]"
    assert refused_field(instagram, media_urls=[JPEG, "nothing"]) == "media_urls[1]"


@given(st.integers(2_150, 2_250), st.sampled_from("aéß漢😀\u0301"))
@example(2_200, "😀")
@example(2_201, "😀")
def test_a_caption_has_2200_characters_of_any_script(length: int, character: str):
    if length <= 2_200:
        instagram(character * length)
    else:
        assert refused_field(instagram, text=character * length) == "text"


def test_hashtags_and_mentions_are_counted_in_any_script():
    instagram("#été #日本 " * 15 + "@some.one " * 20)
    assert refused_field(instagram, text="#été " * 31) == "text"
    assert refused_field(instagram, text="#a#b" * 15 + "#c") == "text"
    assert refused_field(instagram, text="@some.one " * 21) == "text"
    instagram("mail me@example.org, C# # @ " * 40)


def test_instagram_has_neither_recipients_nor_templates():
    assert refused_field(instagram, recipients=[PHONE]) == "recipients"
    assert refused_field(instagram, template=WELCOME) == "template"


# WhatsApp


def test_a_text_to_somebody_is_taken():
    whatsapp("Grüße 👋🏽", [PHONE, "+12025550123"])


def test_a_text_is_required_unless_there_is_a_template():
    for blank in ("", " \n\t", "\u3000"):
        assert refused_field(whatsapp, text=blank) == "text"
        whatsapp(text=blank, template=WELCOME)


@given(st.integers(4_050, 4_150), st.sampled_from("aß漢😀"))
@example(4_096, "😀")
@example(4_097, "😀")
def test_a_text_has_4096_characters_of_any_script(length: int, character: str):
    if length <= 4_096:
        whatsapp(character * length)
    else:
        assert refused_field(whatsapp, text=character * length) == "text"


@pytest.mark.parametrize("text", ["half an emoji \ud83d", "\x00"])
def test_a_text_that_cannot_be_written_is_refused(text: str):
    assert refused_field(whatsapp, text=text) == "text"
    assert refused_field(instagram, text=text) == "text"


def test_there_must_be_a_recipient():
    assert refused_field(whatsapp, recipients=[]) == "recipients"


@given(st.from_regex(r"\+[1-9][0-9]{7,14}", fullmatch=True))
def test_e164_is_taken(number: str):
    whatsapp(recipients=[number])


@given(
    st.one_of(
        st.text(max_size=20),
        st.from_regex(r"\+[0-9]{0,7}", fullmatch=True),
        st.from_regex(r"\+[0-9]{16,20}", fullmatch=True),
        st.from_regex(r"[1-9][0-9]{7,14}", fullmatch=True),
    ).filter(lambda number: not (number[:1] == "+" and number[1:].isascii() and 9 <= len(number) <= 16))
)
@example("+33 612345678")
@example("+33612345678\n")
@example("+0612345678")
@example("+٣٣٦١٢٣٤٥٦٧٨")
@example("+" + "1" * 16)
def test_anything_else_is_refused_by_its_index(number: str):
    recipients = ["+12025550100", "+12025550101", "+12025550102", number]
    assert refused_field(whatsapp, recipients=recipients) == "recipients[3]"


def test_a_number_given_twice_is_refused_at_its_second_place():
    with pytest.raises(Invalid, match=r"recipients\[1\]") as refused:
        whatsapp(recipients=["+12025550100", PHONE, "+12025550101", PHONE])
    assert refused.value.field == "recipients[3]"


@pytest.mark.parametrize(
    ("template", "field"),
    [
        (Template("", "en"), "template.name"),
        (Template("Welcome!", "en"), "template.name"),
        (Template("welcome", ""), "template.language"),
        (Template("welcome", "English"), "template.language"),
        (Template("welcome", "en", [{"type": float("nan")}]), "template.components"),
        (Template("welcome", "en", [{"type": "\ud83d"}]), "template.components"),
        (Template("welcome", "en", ["body"]), "template.components"),
    ],
)
def test_a_template_that_cannot_exist_is_refused(template: Template, field: str):
    assert refused_field(whatsapp, template=template) == field


@pytest.mark.parametrize("language", ["en", "en_US", "pt_BR", "fil", "zh_HK"])
def test_a_template_may_have_any_language(language: str):
    whatsapp(text="", template=Template("welcome", language, [{"type": "body", "parameters": []}]))


def body_of(parameter: Any) -> dict[str, Any]:
    return {"type": "body", "parameters": [parameter]}


@pytest.mark.parametrize(
    ("components", "field"),
    [
        ([{}], "[0].type"),
        ([{"type": 7}], "[0].type"),
        ([{"type": "body"}, {"type": "body", "parameters": {"text": "Ada"}}], "[1].parameters"),
        ([{"type": "body", "parameters": None}], "[0].parameters"),
        ([body_of("Ada")], "[0].parameters[0]"),
        ([body_of({"text": "Ada"})], "[0].parameters[0].type"),
        ([body_of({"type": "text"})], "[0].parameters[0].text"),
        ([body_of({"type": "text", "text": 7})], "[0].parameters[0].text"),
        ([body_of({"type": "text", "text": " "})], "[0].parameters[0].text"),
        ([body_of({"type": "currency", "currency": "EUR"})], "[0].parameters[0].currency"),
        ([body_of({"type": "image", "image": {}})], "[0].parameters[0].image.link"),
        ([{"type": "button", "index": 0}], "[0].sub_type"),
        ([{"type": "button", "sub_type": "url", "index": "first"}], "[0].index"),
        ([{"type": "button", "sub_type": "url"}], "[0].index"),
        ([{"type": "carousel", "cards": [{"components": [{}]}]}], "[0].cards[0].components[0].type"),
    ],
)
def test_a_component_of_another_shape_is_refused_where_it_is_wrong(
    components: list[dict[str, Any]], field: str
):
    template = Template("welcome", "en", components)
    assert refused_field(whatsapp, template=template) == f"template.components{field}"


def test_what_whatsapp_takes_for_components_is_let_through():
    link = {"link": "https://example.org/a.jpg"}
    components = [
        {"type": "header", "parameters": [{"type": "image", "image": link}]},
        {
            "type": "BODY",
            "parameters": [
                {"type": "text", "text": "Ada", "parameter_name": "name"},
                {
                    "type": "currency",
                    "currency": {"fallback_value": "1 EUR", "code": "EUR", "amount_1000": 1000},
                },
                {"type": "date_time", "date_time": {"fallback_value": "today"}},
                {"type": "something_new", "something_new": 1},
            ],
        },
        {
            "type": "button",
            "sub_type": "quick_reply",
            "index": "0",
            "parameters": [{"type": "payload", "payload": "yes"}],
        },
        {"type": "carousel", "cards": [{"card_index": 0, "components": [{"type": "body"}]}]},
        {"type": "something_new"},
    ]
    whatsapp(text="", template=Template("welcome", "en", components))
