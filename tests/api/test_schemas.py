"""Whatever a body lets through, Postgres can store."""

import json
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from socialsync.api.schemas import Body
from tests.doses import examples

TEXTS = st.text(st.characters(codec=None) | st.sampled_from("\x00\ud800\udfff"), max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=10,
)


class Free(Body):
    content: Any


@pytest.fixture(scope="module")
def postgres(shared):
    with psycopg.connect(shared.app) as connection:
        yield connection
        connection.rollback()


@settings(max_examples=examples(300), deadline=None)
@given(JSON)
def test_whatever_is_let_through_can_be_stored(postgres, content):
    try:
        accepted = Free(content=content).content
    except ValidationError:
        return
    stored = postgres.execute("select %s::jsonb", [json.dumps(accepted)]).fetchone()
    assert stored is not None


@given(st.text())
def test_ordinary_text_is_let_through(text):
    if "\x00" not in text:
        assert Free(content=text).content == text
