"""The locks of a post's jobs. What waits in one of them holds up nothing in another.

Whatever runs beside whatever: the rows make an effect happen once, locks only spare work.
"""

from typing import Any
from uuid import UUID

LANES = 4
"""Chunks of one broadcast that are sent side by side; so many batches may be in doubt after a crash."""


def of_chunk(*, post_id: UUID, chunk_id: int, **_: Any) -> str:
    return f"deliveries:{post_id}/{chunk_id % LANES}"


def of_held_back(*, post_id: UUID, **_: Any) -> str:
    return f"held_back:{post_id}"


def of_settling(*, post_id: UUID, **_: Any) -> str:
    return f"settling:{post_id}"


_OTHERS = (
    "held_back:' || {0}",
    "settling:' || {0}",
    *(f"deliveries:' || {{0}} || '/{n}'" for n in range(LANES)),
)


def in_sql(post_id: str, workspace_id: str) -> str:
    """All locks of the post of this id in this workspace, two expressions, as an array. As SQLAlchemy's
    ``text`` takes it.
    """
    each = (f"'{one}".format(post_id) for one in ("post:' || {0}", *_OTHERS))
    spelled = ", ".join(f"{one} || '@' || {workspace_id}" for one in each)
    return f"array[{spelled}]".replace(":", r"\:")
