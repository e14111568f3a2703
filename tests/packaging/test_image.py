"""The image and the wheel in it: complete, locked, without secrets, not run by root."""

import fnmatch
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from socialsync.db import revisions
from socialsync.db.embedded import OWNER
from tests import cluster
from tests.house.source import REPOSITORY
from tests.packaging import compose
from tests.packaging.compose import REQUIRED

DOCKERFILE = (REPOSITORY / "Dockerfile").read_text().replace("\\\n", " ")


def instructions(name: str) -> list[str]:
    return [
        line.removeprefix(name).strip() for line in DOCKERFILE.splitlines() if line.startswith(f"{name} ")
    ]


def test_only_locked_packages_are_installed():
    installs = re.findall(r"pip install ([^&]*)", DOCKERFILE)
    assert len(installs) == 3
    for words in installs:
        assert "--require-hashes -r requirements" in words or "--no-deps --no-index" in words, words


def test_it_is_not_run_by_root():
    last_stage = DOCKERFILE.rpartition("FROM ")[2]
    user = last_stage.index("\nUSER socialsync")
    assert user < last_stage.index("\nCMD ")
    assert "\nRUN " not in last_stage[user:]


def test_it_holds_no_secret():
    assert not re.search(r"(?i)^(ARG|ENV)\b.*(secret|password|token|key)", DOCKERFILE, re.MULTILINE)


def test_it_runs_the_api_as_compose_does():
    assert compose.yaml.safe_load(instructions("CMD")[-1]) == compose.services(REQUIRED)["api"]["command"]


def ignored(path: str) -> bool:
    """Whether .dockerignore keeps this out: the last line that matches decides."""
    out = False
    for line in (REPOSITORY / ".dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!")
        if line and not line.startswith("#"):
            parts = path.split("/")
            heads = ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]
            deep = pattern.startswith("**/") and any(fnmatch.fnmatch(part, pattern[3:]) for part in parts)
            if deep or any(
                fnmatch.fnmatchcase(head, pattern) and head.count("/") == pattern.count("/") for head in heads
            ):
                out = not line.startswith("!")
    return out


def test_what_it_copies_is_there_and_the_rest_stays_outside():
    copied = [
        word for line in instructions("COPY") if not line.startswith("--from") for word in line.split()[:-1]
    ]
    assert {"src", "alembic", "requirements.lock"} <= set(copied)
    for path in copied:
        assert (REPOSITORY / path).exists()
        assert not ignored(path), path
    for path in (
        ".env",
        ".git/config",
        ".socialsync/secrets/secret_key",
        ".venv/bin/python",
        "src/__pycache__/x.pyc",
    ):
        assert ignored(path), path


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built and unpacked as an installation would."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=REPOSITORY, check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = folder.glob("socialsync-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_the_wheel_is_complete_and_clean(installed: Path):
    packaged = {path.relative_to(installed).as_posix() for path in installed.rglob("*") if path.is_file()}
    for folder, inside in (("src/socialsync", "socialsync"), ("alembic", "socialsync/migrations")):
        for path in (REPOSITORY / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert f"{inside}/{path.relative_to(REPOSITORY / folder).as_posix()}" in packaged
    assert not [path for path in packaged if "__pycache__" in path or path.startswith("tests")]


@pytest.fixture
def wheeled(server) -> Iterator[str]:
    """The owner's URL of an empty database."""
    with cluster.created(server) as name:
        yield server.url(OWNER, name)


def test_an_installed_wheel_migrates_without_the_checkout(installed: Path, wheeled: str, tmp_path: Path):
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    code = "import sys; from socialsync.db import migrations as m; print(m.__file__); m.upgrade(sys.argv[1])"
    run = [sys.executable, "-c", code, wheeled]
    done = subprocess.run(run, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert str(installed) in done.stdout
    with psycopg.connect(wheeled) as connection:
        assert connection.execute("table alembic_version").fetchall() == [(revisions.known()[0],)]
