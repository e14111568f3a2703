"""Time zones and languages."""

import pytest

from socialsync.errors import Invalid
from socialsync.features.accounts.locale import check_languages, check_timezone


@pytest.mark.parametrize("name", ["UTC", "Europe/Paris", "America/Argentina/Buenos_Aires", "Asia/Kolkata"])
def test_an_iana_name_is_taken(name):
    assert check_timezone(name) == name


@pytest.mark.parametrize(
    "name", ["", "Paris", "europe/paris", "../etc/passwd", "/etc/localtime", "Europe", "a\x00b", "x" * 9999]
)
def test_anything_else_is_refused(name):
    with pytest.raises(Invalid) as refused:
        check_timezone(name)
    assert refused.value.field == "timezone"


@pytest.mark.parametrize("tags", [["en"], ["fr", "pt-BR", "zh-Hans-CN", "gsw", "es-419"]])
def test_language_tags_are_taken(tags):
    assert check_languages(tags) == tags


@pytest.mark.parametrize(
    ("tags", "field"),
    [
        ([], "languages"),
        (["en"] * 21, "languages"),
        (["en", "english"], "languages[1]"),
        (["en_US"], "languages[0]"),
        (["e"], "languages[0]"),
        (["en-"], "languages[0]"),
        (["en\n"], "languages[0]"),
        (["pt-BR", "pt-br"], "languages[1]"),
    ],
)
def test_what_is_no_list_of_tags_is_refused_by_name(tags, field):
    with pytest.raises(Invalid) as refused:
        check_languages(tags)
    assert refused.value.field == field
