"""Postgres: reachable, new enough, migrated, walled, and able to wake workers."""

import secrets

import psycopg
from sqlalchemy import text

from socialsync import clock
from socialsync.cli.checks.findings import (
    CONNECT_WITHIN_S,
    Check,
    Installation,
    Verdict,
    failed,
    ok,
    said_by,
    warning,
)
from socialsync.cli.wording import span
from socialsync.db import revisions, vectors
from socialsync.db.direct import Line, is_pooled
from socialsync.db.embedded import APP_ROLE, EmbeddedServer
from socialsync.queue import library

OLDEST = 18
_HEARD_WITHIN_S = 2.0
_CLOCK_WARN_S, _CLOCK_FAIL_S = 1.0, 30.0
_OWNER = " As the owner: "

_VERSION = text(
    "select current_setting('server_version_num')::int / 10000, current_setting('server_version')"
)
_ROLE = text(
    "select rolname::text as name, rolsuper, rolbypassrls from pg_roles where rolname = current_user"
)
# A setting of an extension is checked, and seen in pg_settings, once its library is loaded.
_LOAD = text("select cast('[1]' as vector)")
_ITERATE = text("select set_config('hnsw.iterative_scan', 'strict_order', true)")
_TAKEN = text("select setting from pg_settings where name = 'hnsw.iterative_scan'")
_NOW = text("select clock_timestamp()")


def reaching(seen: Installation) -> list[Check]:
    """Without these, nothing else of the database can be looked at."""
    return [
        Check("database", lambda: _reached(seen, seen.urls.app)),
        Check("database owner", lambda: _reached(seen, seen.urls.owner)),
    ]


def server(seen: Installation) -> list[Check]:
    """What can be told of any database."""
    return [
        Check("migrations", lambda: _migrated(seen)),
        Check("server version", lambda: _version(seen)),
        Check("application role", lambda: _role(seen)),
        Check("clock", lambda: _clock(seen)),
        Check("notifications", lambda: _heard(seen)),
    ]


def schema(seen: Installation) -> list[Check]:
    """What must be as the migrations left it."""
    return [Check("pgvector", lambda: _vectors(seen)), Check("triggers", lambda: _triggers(seen))]


async def _reached(seen: Installation, url: str) -> Verdict:
    if seen.settings.embedded and not EmbeddedServer(seen.settings.home).data.exists():
        return failed(
            "There is no embedded server in SOCIALSYNC_HOME yet.",
            "Make one: socialsync db start, then socialsync db upgrade. Or set DATABASE_URL.",
        )
    line = Line(url, name="socialsync doctor", answer_within=CONNECT_WITHIN_S, prepared=False)
    try:
        ((user,),) = await line.run("select session_user::text")
        info = (await line.connect()).info
        return ok(f"{info.dbname} at {info.host}:{info.port}, signed in as {user}.")
    except psycopg.Error as error:
        said = said_by(error)
        if f'role "{APP_ROLE}" does not exist' in said:
            return failed(f"The role {APP_ROLE} is missing: it was never migrated.", _upgrade())
        start = "Start it: socialsync db start"
        away = "Is Postgres running, and DATABASE_URL right?"
        return failed(said, start if seen.settings.embedded else away)
    finally:
        await line.close()


async def _version(seen: Installation) -> Verdict:
    async with seen.seen() as session:
        number, name = (await session.execute(_VERSION)).one()
    if number < OLDEST:
        return failed(f"Postgres {name}.", f"Upgrade the server to Postgres {OLDEST} or later.")
    return ok(f"Postgres {name}.")


async def _role(seen: Installation) -> Verdict:
    async with seen.seen() as session:
        role = (await session.execute(_ROLE)).one()
    powers = [name for name in ("superuser", "bypassrls") if role[1 if name == "superuser" else 2]]
    if powers:
        return failed(
            f"{role.name} is {' and '.join(powers).upper()}: the walls between workspaces do not hold.",
            f"As a superuser: alter role {role.name} nosuperuser nobypassrls",
        )
    return ok(f"{role.name}, neither superuser nor BYPASSRLS.")


async def _migrated(seen: Installation) -> Verdict:
    async with seen.seen() as session:
        behind = await revisions.is_behind(session)
    if behind:
        return failed("The database lacks migrations.", _upgrade())
    return ok(f"At the newest revision that this version knows, {revisions.known()[0]}, or beyond.")


async def _clock(seen: Installation) -> Verdict:
    async with seen.seen() as session:
        before = clock.now()
        there = (await session.execute(_NOW)).scalar_one()
        after = clock.now()
    away = max((before - there).total_seconds(), (there - after).total_seconds(), 0.0)
    found = f"This machine and Postgres differ by {span(away)}." if away else "As Postgres has it."
    fix = "Set both by NTP (chrony, systemd-timesyncd)."
    if away > _CLOCK_FAIL_S:
        return failed(found, fix)
    return warning(found, fix) if away > _CLOCK_WARN_S else ok(found)


async def _heard(seen: Installation) -> Verdict:
    """Notify ourselves through the connection on which workers listen."""
    line = Line(seen.urls.direct, name="socialsync doctor", answer_within=CONNECT_WITHIN_S, prepared=False)
    channel = f"socialsync_doctor_{secrets.token_hex(4)}"
    try:
        if await is_pooled(line):
            return warning(
                "Workers listen through a pooler: jobs wait for the next poll instead of being told.",
                "Set DATABASE_DIRECT_URL to Postgres itself.",
            )
        await line.listen([channel])
        await line.run("select pg_notify(%s, '')", [channel])
        async for _ in (await line.connect()).notifies(timeout=_HEARD_WITHIN_S, stop_after=1):
            return ok("NOTIFY is heard on the direct connection.")
    finally:
        await line.close()
    return failed(
        "NOTIFY is not heard on the direct connection.", "Set DATABASE_DIRECT_URL to Postgres itself."
    )


async def _vectors(seen: Installation) -> Verdict:
    async with seen.seen() as session:
        if fault := await vectors.fault(session):
            return failed(*fault)
        for statement in (_LOAD, _ITERATE):
            await session.execute(statement)
        taken = await session.scalar(_TAKEN)
        present = await vectors.version(session)
    if taken != "strict_order":
        return failed(
            f"pgvector {present} does not take hnsw.iterative_scan: searches may find too little.",
            f"Install pgvector {vectors.LEAST} or later beside Postgres, and restart it.",
        )
    return ok(f"pgvector {present}, with iterative scans.")


async def _triggers(seen: Installation) -> Verdict:
    async with seen.seen() as session:
        faults = await library.faults(session)
    if not faults:
        return ok("Ours are enabled, the library's disabled.")
    told = [fault.partition(_OWNER) for fault in faults]
    fixes = [fix for _, _, fix in told if fix]
    return failed(
        " ".join(problem for problem, _, _ in told),
        _OWNER.strip() + " " + "; ".join(fixes) if fixes else None,
    )


def _upgrade() -> str:
    return f"Run: socialsync db upgrade (or {revisions.UPGRADE})."
