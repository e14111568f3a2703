"""This machine: room for the embedded server, and processes for parsers."""

import shutil

from socialsync.cli.checks.findings import Check, Installation, Verdict, failed, ok, warning
from socialsync.cli.wording import size
from socialsync.db.embedded import EmbeddedServer
from socialsync.queue.pool import Pool

_GIB = 2**30
_LITTLE, _LEAST = 2 * _GIB, _GIB // 4
_STARTS_WITHIN_S = 30.0
_WORK = "socialsync.features.knowledge.parsing:tidy"


def machine(seen: Installation) -> list[Check]:
    checks = [Check("document parser", _parser, late="warning")]
    if seen.settings.embedded:
        checks.insert(0, Check("disk", lambda: _disk(EmbeddedServer(seen.settings.home))))
    return checks


async def _disk(server: EmbeddedServer) -> Verdict:
    folder = server.data
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    found = f"{size(free)} free for the embedded server."
    fix = f"Make room on the disk of {server.home}."
    if free < _LEAST:
        return failed(found, fix)
    return warning(found, fix) if free < _LITTLE else ok(found)


async def _parser() -> Verdict:
    """Start one process, with its libraries, and end it."""
    pool = Pool()
    try:
        await pool.call(_WORK, "A text.", within=_STARTS_WITHIN_S)
    finally:
        await pool.close()
    return ok("Its process starts, with its libraries.")
