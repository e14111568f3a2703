"""What a process need not know, it does not spend its start on."""

import subprocess
import sys

import pytest

DOORS = ("fastapi", "starlette", "uvicorn", "alembic", "typer", "PIL.Image")
PRINTERS = ("rich", "pygments", "click")
JOBS = ("socialsync.worker.door", "procrastinate", "sqlalchemy", "psycopg_pool", "httpx")
SETTINGS = ("pydantic", "psycopg", "structlog", "asyncio")
NOT_OF = {
    "socialsync.worker.door": (*DOORS, *PRINTERS),
    "socialsync.worker.child": (*DOORS, *PRINTERS),
    "socialsync.cli": (*PRINTERS, *JOBS, *SETTINGS),
    "socialsync.cli.worker": (*PRINTERS, *JOBS),  # the supervisor
    "socialsync.cli.inspect": ("socialsync.resources", "socialsync.registry", "httpx", "fastapi"),
    "socialsync.cli.serve": ("socialsync.simulator", *PRINTERS[:2], *JOBS),
    "socialsync.cli.simulator": ("socialsync.app", *PRINTERS[:2], *JOBS[:-1]),
    "socialsync.app.factory": ("socialsync.simulator", "typer", *PRINTERS),
}


@pytest.mark.parametrize("module", NOT_OF)
def test_a_process_imports_nothing_that_it_does_not_need(module):
    code = f"""
import sys, types, {module}
print([name for name in {NOT_OF[module]!r} if type(sys.modules.get(name)) is types.ModuleType])
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stdout.strip() == "[]"
