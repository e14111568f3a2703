"""What a worker need not know, it does not spend its start on."""

import subprocess
import sys

import pytest

ROUTES = ("fastapi", "starlette", "uvicorn", "alembic", "typer", "PIL.Image")


@pytest.mark.parametrize("module", ["socialsync.worker.door", "socialsync.worker.child"])
def test_a_worker_imports_nothing_of_the_other_doors(module):
    code = f"""
import sys, types, {module}
print([name for name in {ROUTES!r} if type(sys.modules.get(name)) is types.ModuleType])
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stdout.strip() == "[]"


def test_a_supervisor_imports_no_task():
    code = "import sys, socialsync.cli.worker; print('socialsync.worker.door' in sys.modules)"
    run = [sys.executable, "-c", code]
    ended = subprocess.run(run, capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.strip() == "False"
