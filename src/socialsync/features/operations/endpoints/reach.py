"""Whose jobs a caller reaches: a workspace's key its workspace's, an installation key everybody's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from pydantic import AfterValidator
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.api.callers import Principal
from socialsync.api.schemas import storable
from socialsync.db.transaction import Database
from socialsync.queue.controls import By

Text = Annotated[str, AfterValidator(storable)]
"""A text in the path or the query."""


@asynccontextmanager
async def reaching(database: Database, caller: Principal) -> AsyncIterator[AsyncSession]:
    """A transaction in the caller's scope. The table of jobs has no walls: queries name the workspace too."""
    if caller.workspace_id is not None:
        async with database.transaction(caller.workspace_id) as session:
            yield session
    else:
        async with database.system_transaction(
            "whoever runs the installation looks after its jobs"
        ) as session:
            yield session


def by(caller: Principal) -> By:
    return By(caller.actor, caller.workspace_id)
