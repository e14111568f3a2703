"""Cursors."""

import contextlib
from dataclasses import dataclass
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialsync.api import pages
from socialsync.api.pages import CursorBroken, NamedWindow, Window, named_window
from socialsync.api.schemas import Answer


@dataclass
class Thing:
    id: UUID


class ThingOut(Answer):
    id: UUID


THINGS = [Thing(UUID(int=number)) for number in range(5)]


@given(st.uuids())
def test_a_cursor_leads_back_to_its_row(last):
    assert pages.decode(pages.encode(last)) == last


@given(st.text(max_size=30))
def test_no_two_texts_lead_to_the_same_row(cursor):
    with contextlib.suppress(CursorBroken):
        assert pages.encode(pages.decode(cursor)) == cursor


@pytest.mark.parametrize("cursor", ["", "A", "A" * 21, "A" * 21 + "B", "A" * 22 + "==", "é" * 22, "A" * 5000])
def test_a_broken_cursor_is_refused(cursor):
    with pytest.raises(CursorBroken) as refused:
        pages.decode(cursor)
    assert refused.value.field == "cursor"


def test_a_row_too_many_means_another_page():
    window = Window(limit=4, cursor=None)
    page = window.page(THINGS[: window.fetch], ThingOut.model_validate)
    assert [item.id for item in page.items] == [thing.id for thing in THINGS[:4]]
    assert page.next_cursor == pages.encode(THINGS[3].id)


@pytest.mark.parametrize("count", [0, 3, 4])
def test_the_last_page_has_no_cursor(count):
    page = Window(limit=4, cursor=None).page(THINGS[:count], ThingOut.model_validate)
    assert len(page.items) == count
    assert page.next_cursor is None


def test_a_list_by_name_goes_on_behind_the_last_name_even_when_that_is_gone():
    names = ["b", "a", "é", "c", "d"]
    first = NamedWindow(2, None).page(names, str, str)
    assert first.items == ["a", "b"]
    names.remove("b")
    second = named_window(2, first.next_cursor).page(names, str, str)
    assert second.items == ["c", "d"]
    last = named_window(2, second.next_cursor).page(names, str, str)
    assert (last.items, last.next_cursor) == (["é"], None)


@pytest.mark.parametrize("cursor", ["?", "YQ==", "YR", "_w", "é", "a"])
def test_a_cursor_by_name_that_we_did_not_give_is_refused(cursor):
    with pytest.raises(CursorBroken):
        named_window(2, cursor)
