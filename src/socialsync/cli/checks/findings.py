"""What a check finds, and how it is made: in bounded time, and never ending in an exception."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal, NamedTuple

import psycopg
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import telemetry
from socialsync.db.transaction import Database
from socialsync.db.urls import Urls
from socialsync.errors import SocialSyncError
from socialsync.queue import inspection
from socialsync.settings import Settings

State = Literal["ok", "warning", "failed", "skipped"]
CONNECT_WITHIN_S = 4.0
"""Seconds for the first answer of the database, or of a place outside."""


class Verdict(NamedTuple):
    """What is found, and what to do about it."""

    state: State
    found: str
    fix: str | None = None


@dataclass(frozen=True)
class Finding:
    """A line of the report. ``check``: what was looked at."""

    check: str
    state: State
    found: str
    fix: str | None = None


@dataclass(frozen=True)
class Check:
    """Something to look at. ``late``: what it means that it took too long."""

    name: str
    look: Callable[[], Awaitable[Verdict]]
    late: State = "failed"


@dataclass(frozen=True)
class Installation:
    """Whom the doctor sees."""

    settings: Settings
    urls: Urls
    database: Database

    @asynccontextmanager
    async def seen(self) -> AsyncIterator[AsyncSession]:
        """A short look at the database."""
        async with self.database.system_transaction("the doctor looks at the installation") as session:
            await inspection.bound(session)
            yield session


def ok(found: str) -> Verdict:
    return Verdict("ok", found)


def warning(found: str, fix: str) -> Verdict:
    return Verdict("warning", found, fix)


def failed(found: str, fix: str | None) -> Verdict:
    return Verdict("failed", found, fix)


async def made(check: Check, *, until: float) -> Finding:
    """Look, whatever happens, until that time of the loop."""
    try:
        async with asyncio.timeout_at(until):
            verdict = await check.look()
    except TimeoutError:
        verdict = Verdict(
            check.late,
            "It took too long.",
            "Look at the load of this machine, and give it longer: --within 60",
        )
    except SocialSyncError as error:
        verdict = failed(error.message, error.fix)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what was found
        verdict = failed(said_by(error), "The log of Postgres says more.")
    return Finding(check.name, *verdict)


def said_by(error: Exception) -> str:
    """The first line of what it says, without secrets; a library's own words stay out where it is no
    database's.
    """
    cause = getattr(error, "orig", None) or error
    lines = str(cause).strip().splitlines()
    told = isinstance(error, SQLAlchemyError | psycopg.Error) and lines
    return telemetry.scrub(lines[0]) if told else type(error).__name__
