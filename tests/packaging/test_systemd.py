"""The units of deploy/systemd start what docker-compose.yml starts, under systemd's care."""

import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from tests.house.source import REPOSITORY
from tests.journeys.conftest import BIN
from tests.packaging import compose
from tests.packaging.compose import REQUIRED

UNITS = sorted((REPOSITORY / "deploy/systemd").glob("*.service"))
INSTALLED = "/opt/socialsync/.venv/bin/"
SAME_AS = {
    "socialsync-migrate": "migrate",
    "socialsync-api": "api",
    "socialsync-worker@": "worker-ingest",
}


def directives(unit: Path) -> dict[str, list[str]]:
    found = defaultdict(list)
    for line in unit.read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found[name].append(value)
    return found


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
class TestEachUnit:
    def test_starts_a_command_that_exists(self, unit: Path):
        (command,) = directives(unit)["ExecStart"]
        program, *arguments = command.split()
        assert program.startswith(INSTALLED)
        assert (BIN / program.removeprefix(INSTALLED)).is_file()
        composed = compose.services(REQUIRED)[SAME_AS[unit.stem]]["command"]
        assert [program.removeprefix(INSTALLED), arguments[0]] == composed[:2]
        assert {word for word in arguments if word.startswith("-")} <= set(composed)

    def test_runs_without_privileges(self, unit: Path):
        found = directives(unit)
        assert found["User"] == ["socialsync"]
        assert found["NoNewPrivileges"] == ["yes"]
        assert found["ProtectSystem"] == ["strict"]

    def test_takes_its_secrets_from_a_file_of_its_own(self, unit: Path):
        found = directives(unit)
        assert "/etc/socialsync/environment" in found["EnvironmentFile"]
        assert not [line for line in found["Environment"] if "SECRET" in line or "PASSWORD" in line]

    def test_is_started_again(self, unit: Path):
        found = directives(unit)
        if found["Type"] != ["oneshot"]:
            assert found["Restart"] == ["always"]
            assert found["StartLimitIntervalSec"] == ["0"], "Postgres may be away for long"
            assert found["Requires"] == ["socialsync-migrate.service"]

    @pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed here")
    def test_is_understood_by_systemd(self, unit: Path, tmp_path: Path):
        for other in UNITS:
            copy = other.read_text().replace(INSTALLED, f"{BIN}/")
            (tmp_path / other.name).write_text(copy)
        done = subprocess.run(
            ["systemd-analyze", "verify", tmp_path / unit.name], capture_output=True, text=True, check=False
        )
        said = [line for line in done.stderr.splitlines() if unit.stem.rstrip("@") in line]
        assert not said


def test_there_is_a_unit_for_each_kind_of_process():
    assert {unit.stem for unit in UNITS} == SAME_AS.keys()
