"""Whether the database's pgvector is new enough: search relies on iterative scans, and on their fixes."""

import re

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

LEAST = "0.8.4"
UPDATE = "alter extension vector update"

_PRESENT = text("select extversion from pg_extension where extname = 'vector'")
_INSTALLABLE = text("select default_version from pg_available_extensions where name = 'vector'")


async def fault(session: AsyncSession) -> tuple[str, str] | None:
    """What is wrong with it, and the fix; None when it is as we need it."""
    present = await version(session)
    if not is_older(present):
        return None
    problem = (
        f"The database's pgvector is {present}, and SocialSync needs {LEAST} or later."
        if present
        else "The database has no pgvector."
    )
    words = UPDATE if present else "create extension vector"
    if is_older(await session.scalar(_INSTALLABLE)):
        return problem, f"Install pgvector {LEAST} or later beside Postgres, then as the owner: {words}"
    return problem, f"As the owner: {words}"


async def version(session: AsyncSession) -> str | None:
    """The one in the database."""
    found: str | None = await session.scalar(_PRESENT)
    return found


def is_older(found: str | None) -> bool:
    """Than ``LEAST``; what is not there is."""
    return found is None or _numbers(found) < _numbers(LEAST)


def _numbers(of: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", of)]
