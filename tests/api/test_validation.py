"""What is wrong with a request, in the caller's spelling, without the caller's values."""

import json
import re
from typing import Annotated, Any
from uuid import UUID

import pytest
from fastapi import Query
from pydantic import AfterValidator, Field

from socialsync.api import validation
from socialsync.api.schemas import AwareTime, Body, Changes, Flag, Number, RowNumber, storable
from tests.api.small import post, small_app

SECRET = "EAAGm0PX4ZCpsBA"


class Inner(Body):
    title: str = Field(max_length=10)


class Letter(Body):
    title: str = ""
    at: AwareTime | None = None
    urgent: Flag = False
    weight: Number = 1.0
    tags: list[str] = []
    parts: list[Inner] = []
    free: dict[str, Any] = {}


class LetterChanges(Changes):
    clearable = frozenset({"at"})
    title: str = ""
    at: AwareTime | None = None


async def letter(body: Letter) -> dict[str, Any]:
    return body.model_dump(mode="json")


async def changes(body: LetterChanges) -> dict[str, Any]:
    return body.given()


async def search(
    limit: Annotated[int, Query(ge=1)],
    job: RowNumber = 1,
    of: UUID | None = None,
    q: Annotated[str | None, AfterValidator(storable), Query(max_length=200)] = None,
) -> None: ...


APP = small_app(letter=letter, changes=changes, search=search)


async def entries(path="/letter", **request):
    answer = await post(APP, path, **request)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "Invalid"
    return answer.json()["errors"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"title": 5}, "title"),
        ({"tags": ["a", 5]}, "tags[1]"),
        ({"parts": [{"title": "a"}, {"title": "a" * 11}]}, "parts[1].title"),
        ({"parts": [{}]}, "parts[0].title"),
        ({"urgent": "yes"}, "urgent"),
        ({"urgent": 1}, "urgent"),
        ({"weight": "1"}, "weight"),
        ({"weight": True}, "weight"),
        ({"titel": "x"}, "titel"),
        ({"parts": [{"title": "a", "color": 1}]}, "parts[0].color"),
    ],
)
async def test_a_field_is_spelled_as_the_caller_spells_it(body, field):
    [entry] = await entries(json=body)
    assert entry["field"] == field
    assert entry["problem"]


async def test_every_wrong_field_has_an_entry():
    found = await entries(json={"title": 5, "urgent": "yes", "color": "red"})
    assert {entry["field"] for entry in found} == {"title", "urgent", "color"}


async def test_the_detail_tells_the_first_and_counts_the_rest():
    answer = await post(APP, "/letter", json={"title": 5, "urgent": "yes"})
    assert answer.json()["detail"] == "title: should be a valid string (and 1 more)"


async def test_a_great_many_wrong_fields_are_counted():
    answer = await post(APP, "/letter", json={"tags": [1] * 5000})
    assert len(answer.json()["errors"]) == 100
    assert answer.json()["detail"].endswith("(and 4999 more)")


async def test_an_unknown_field_is_refused_by_name():
    [entry] = await entries(json={"publish_att": "x"})
    assert entry["field"] == "publish_att"
    assert entry["problem"] == "is not known here"


@pytest.mark.parametrize(
    "body",
    [
        {"title": {"deep": SECRET}},
        {"urgent": SECRET},
        {"weight": SECRET},
        {"at": SECRET},
        {"color": SECRET},
        {"tags": SECRET},
        {"parts": [{"title": SECRET}]},
        {"free": SECRET},
        [SECRET],
        SECRET,
    ],
)
async def test_a_rejected_value_is_never_repeated(body, capsys):
    answer = await post(APP, "/letter", json=body)
    assert answer.status_code == 422
    assert SECRET not in answer.text
    assert SECRET not in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    "time",
    [
        "2026-03-04T12:00:00",
        "2026-03-04 12:00",
    ],
)
async def test_a_naive_time_is_refused_with_a_way_out(time):
    [entry] = await entries(json={"at": time})
    assert entry == {
        "field": "at",
        "problem": "has no offset",
        "fix": "Add an offset, e.g. 2026-03-04T12:00:00+00:00.",
    }


@pytest.mark.parametrize(
    "time",
    [
        1767225600,
        1.5,
        True,
        "1767225600",
        "tomorrow",
        "2026-03-04",
        "2026-02-30T12:00:00Z",
        "2026-03-04T25:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-03-04T12:00:00+99:00",
        "2026-03-04T12:00:00Z" + "0" * 5000,
        "",
        ["2026-03-04T12:00:00Z"],
    ],
)
async def test_what_is_no_iso_8601_time_is_refused(time):
    [entry] = await entries(json={"at": time})
    assert entry["field"] == "at"


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("2026-03-04T12:00:00Z", "2026-03-04T12:00:00Z"),
        ("2026-03-04T12:00:00+02:00", "2026-03-04T10:00:00Z"),
        ("2026-03-04 12:00-05:30", "2026-03-04T17:30:00Z"),
        ("2026-03-04t12:00:00.123456z", "2026-03-04T12:00:00.123456Z"),
    ],
)
async def test_a_time_with_an_offset_becomes_utc(given, stored):
    answer = await post(APP, "/letter", json={"at": given})
    assert answer.json()["at"] == stored


@pytest.mark.parametrize(
    ("body", "field", "problem"),
    [
        ('{"title": "a\\u0000b"}', "title", "NUL"),
        ('{"tags": ["a", "\\u0000"]}', "tags[1]", "NUL"),
        ('{"title": "\\ud800"}', "title", "surrogate"),
        ('{"free": {"a": [{"b": "\\udfff"}]}}', "free.a[0].b", "surrogate"),
        ('{"free": {"\\u0000": 1}}', "free", "NUL"),
        ('{"free": {"a": NaN}}', "free.a", "finite"),
        ('{"free": {"\\ud800": {"\\u0000": 1}}}', None, "character"),
        ('{"free": {"' + "long" * 1000 + '": "\\u0000"}}', "free." + "long" * 48 + "lon", "NUL"),
        ('{"weight": Infinity}', "weight", "finite"),
        ('{"weight": 1e999}', "weight", "finite"),
        ('{"free": {"a": ' + "[" * 60 + "]" * 60 + "}}", None, "nested"),
        ('{"free": ' + '{"a":' * 300 + "1" + "}" * 301, None, "nested"),
    ],
)
async def test_what_postgres_could_not_store_is_refused(body, field, problem):
    [entry] = await entries(content=body, headers={"content-type": "application/json"})
    assert field is None or entry["field"] == field
    assert problem in entry["problem"]


async def test_a_name_that_utf_8_cannot_write_is_refused():
    [entry] = await entries(content='{"\\ud800": 1}', headers={"content-type": "application/json"})
    assert "surrogate" in entry["problem"]


async def test_of_a_long_unknown_name_only_the_beginning_is_repeated():
    [entry] = await entries(json={"é" * 5000: 1})
    assert entry["field"] == "é" * 200


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b'{"title": ', "The body is not valid JSON"),
        (b"{'title': 1}", "The body is not valid JSON"),
        (b"hello", "The body is not valid JSON"),
        (b"", "The body is missing"),
        (b"[]", "The body is not a JSON object"),
        (b"null", "The body is not a JSON object"),
        (b'"text"', "The body is not a JSON object"),
        (b"7", "The body is not a JSON object"),
    ],
)
async def test_a_body_that_is_no_json_object_is_named_plainly(body, sentence):
    [entry] = await entries(content=body, headers={"content-type": "application/json"})
    assert entry["field"] is None
    assert entry["problem"].startswith(sentence)


@pytest.mark.parametrize("body", [b"\xff\xfe\xff", b'{"title": "\xff"}', b"1" * 5000, b"[" * 100_000])
async def test_a_body_that_cannot_be_read_at_all_is_a_problem(body):
    answer = await post(APP, "/letter", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_body_of_another_type_gets_the_fix():
    [entry] = await entries(data={"title": "x"})
    assert entry["fix"] == "Send Content-Type: application/json."


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"limit": "0"}, "limit"),
        ({"limit": "1", "job": str(2**63)}, "job"),
        ({"limit": "1", "job": "9" * 5000}, "job"),
        ({"limit": "1", "job": "0"}, "job"),
        ({"limit": "1", "of": "x"}, "of"),
        ({"limit": "1", "of": "\x00"}, "of"),
    ],
)
async def test_the_query_is_checked_like_a_body(query, field):
    [entry] = await entries("/search", params=query)
    assert entry["field"] == field


async def test_a_change_tells_what_was_given_only():
    assert (await post(APP, "/changes", json={"title": "x"})).json() == {"title": "x"}
    assert (await post(APP, "/changes", json={})).json() == {}


async def test_what_may_not_be_null_cannot_be_cleared():
    [entry] = await entries("/changes", json={"title": None})
    assert (entry["field"], entry["problem"]) == ("title", "must not be null")
    assert (await post(APP, "/changes", json={"at": None})).json() == {"at": None}


def test_a_default_of_a_change_is_not_described():
    described = json.dumps(LetterChanges.model_json_schema())
    assert "default" not in described


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"weight": ' + b"9" * 5_000 + b"}", "A number has too many digits."),
        (b"[" * 100_000, "The body is nested too deeply."),
        (b'{"title": "a\nb"}', "The body is not valid JSON: Invalid control character at character 12."),
        (b'{"title"', "The body is not valid JSON: Expecting ':' delimiter at character 8."),
    ],
)
async def test_json_that_cannot_be_read_is_told_as_what_it_is(body, problem):
    [entry] = await entries(content=body, headers=JSON)
    assert (entry["field"], entry["problem"]) == (None, problem)
    assert entry["fix"]


async def test_what_is_not_utf_8_is_told_so():
    answer = await post(APP, "/letter", content=b'{"title": "\xff"}', headers=JSON)
    assert (answer.status_code, answer.json()["errors"][0]["fix"]) == (400, "Send JSON in UTF-8.")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"title": "a", "title": "b"}', "title"),
        (b'{"title": "a", "title": "a"}', "title"),
        (b'{"parts": [{"title": "a", "tit\\u006ce": "b"}]}', "title"),
        (b'{"free": {"a": {"b": 1, "c": 2, "b": 3}}}', "b"),
    ],
)
async def test_a_key_that_stands_twice_is_refused_by_name(body, field):
    [entry] = await entries(content=body, headers=JSON)
    assert (entry["field"], entry["problem"]) == (field, "A key stands twice in one object.")


async def test_a_key_may_stand_in_two_objects():
    answer = await post(APP, "/letter", json={"title": "a", "parts": [{"title": "a"}, {"title": "b"}]})
    assert answer.status_code == 200


async def test_a_text_is_counted_in_characters_and_a_limit_is_told():
    [entry] = await entries("/search?q=" + "a" * 300 + "&limit=1")
    assert entry["problem"] == "should have at most 200 characters"
    [entry] = await entries("/search?limit=0")
    assert entry["fix"] == "Write 1 or more."


def patterns_in(schema: Any) -> set[str]:
    """Of all that can be sent."""
    if isinstance(schema, list):
        return set().union(*map(patterns_in, schema))
    if not isinstance(schema, dict):
        return set()
    found = {schema["pattern"]} if isinstance(schema.get("pattern"), str) else set()
    return found.union(*map(patterns_in, schema.values()))


async def test_every_pattern_of_the_api_has_an_example_that_fits(app):
    anything = r"^[ -~]+$"
    patterns = {found for found in patterns_in(app.openapi()) if found.startswith("^")} - {anything}
    assert patterns == set(validation.LIKE)
    for pattern, example in validation.LIKE.items():
        assert re.match(pattern, example)
