"""Lists in pages, by uuid7: newest first or, where a list says so, oldest first.

A cursor is the id of the last row that was given, so that rows born meanwhile neither shift nor repeat what
follows. Callers must not read it.
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol, TypeVar
from uuid import UUID

from fastapi import Depends, Query

from socialsync.api.schemas import Page
from socialsync.errors import Invalid

MOST = 200
USUAL = 50
_LARGEST_NUMBER = 2**63 - 1


class HasId(Protocol):
    @property
    def id(self) -> UUID: ...


Row = TypeVar("Row", bound=HasId)
Named = TypeVar("Named")
Item = TypeVar("Item")


class CursorBroken(Invalid):
    """A cursor that we did not give."""


@dataclass(frozen=True)
class Window:
    """Which part of a list is asked for.

    Args:
        limit: items on the page.
        cursor: the last id of the page before, which the query starts behind; None for the first page.
    """

    limit: int
    cursor: UUID | None

    @property
    def number(self) -> int | None:
        """The cursor of a list whose ids are numbers, as those of jobs.

        Raises:
            CursorBroken.
        """
        if self.cursor is None:
            return None
        if self.cursor.int > _LARGEST_NUMBER:
            raise _broken()
        return self.cursor.int

    @property
    def fetch(self) -> int:
        """Rows to read: one more than the page has tells whether there is another page."""
        return self.limit + 1

    def page(self, rows: Sequence[Row], show: Callable[[Row], Item]) -> Page[Item]:
        """The page of these rows, of which there are up to ``fetch``."""
        shown = rows[: self.limit]
        more = len(rows) > self.limit
        return Page(items=[show(row) for row in shown], next_cursor=encode(shown[-1].id) if more else None)


def window(
    limit: Annotated[int, Query(ge=1, le=MOST, description="Items on a page.")] = USUAL,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
) -> Window:
    return Window(limit, None if cursor is None else decode(cursor))


Paged = Annotated[Window, Depends(window)]


@dataclass(frozen=True)
class NamedWindow:
    """Which part of a list by name is asked for: one that is short, and read whole.

    Args:
        after: the key of the last item of the page before.
    """

    limit: int
    after: str | None

    def page(
        self, rows: Iterable[Named], key: Callable[[Named], str], show: Callable[[Named], Item]
    ) -> Page[Item]:
        """The page of all these rows.

        Args:
            key: what orders them, and tells each from the others.
        """
        rest = sorted((row for row in rows if self.after is None or key(row) > self.after), key=key)
        shown = rest[: self.limit]
        more = len(rest) > self.limit
        cursor = base64.urlsafe_b64encode(key(shown[-1]).encode()).decode().rstrip("=") if more else None
        return Page(items=[show(row) for row in shown], next_cursor=cursor)


def named_window(
    limit: Annotated[int, Query(ge=1, le=MOST, description="Items on a page.")] = MOST,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
) -> NamedWindow:
    return NamedWindow(limit, None if cursor is None else _decode_name(cursor))


PagedByName = Annotated[NamedWindow, Depends(named_window)]


def _decode_name(cursor: str) -> str:
    try:
        name = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except ValueError:  # binascii.Error and UnicodeDecodeError are some
        raise _broken() from None
    if base64.urlsafe_b64encode(name.encode()).decode().rstrip("=") != cursor:
        raise _broken()
    return name


def encode(last: UUID) -> str:
    return base64.urlsafe_b64encode(last.bytes).decode().rstrip("=")


def decode(cursor: str) -> UUID:
    """Raises CursorBroken."""
    try:
        last = UUID(bytes=base64.b64decode(cursor + "==", altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        last = None
    if last is None or encode(last) != cursor:
        raise _broken()
    return last


def encode_number(last: int | None) -> str | None:
    """A cursor for ``Window.number``; None when there is no other page."""
    return None if last is None else encode(UUID(int=last))


def _broken() -> CursorBroken:
    return CursorBroken(
        "The cursor is not one of ours.",
        field="cursor",
        fix="Pass next_cursor of the page before unchanged, or leave it out to start over.",
    )
