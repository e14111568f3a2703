"""Names that say nothing are not used, and files that people read name no machine of ours."""

import re
from pathlib import Path

import pytest

from tests.house.source import HOUSE, REPOSITORY, comply

EMPTY_WORDS = re.compile(r"(utils?|helpers?|commons?|core|managers?|handlers?|processors?|misc)")
FOREIGN_TERMS = {"queue/manager.py": "procrastinate's JobManager"}

READ_BY_PEOPLE = (
    "*.md", "docs/**/*", "deploy/**/*", ".ci/*", ".env.example", "Dockerfile", ".dockerignore",
    "docker-compose.yml", "Makefile", "pyproject.toml", "alembic.ini", "*.lock",
)  # fmt: skip
PRIVATE = {
    "a path of one machine": re.compile("/(" + "work|root|home/[a-z]+" + r")/(?!\.\.)"),
    "a package registry": re.compile(
        r"pypi\.org|pythonhosted\.org|--(extra-)?index-url|--find-links|-i https?:|artifactory|registry\."
    ),
}


def empty_words(path: str) -> list[str]:
    if path in FOREIGN_TERMS:
        return []
    words = [word for part in Path(path).with_suffix("").parts for word in part.split("_")]
    return [f"{path}: {word}" for word in words if EMPTY_WORDS.fullmatch(word)]


def private(text: str) -> list[str]:
    return [
        f"{number}: {what}: {line.strip()}"
        for number, line in enumerate(text.splitlines(), 1)
        for what, pattern in PRIVATE.items()
        if pattern.search(line)
    ]


def read_by_people() -> list[Path]:
    found = {path for pattern in READ_BY_PEOPLE for path in REPOSITORY.glob(pattern) if path.is_file()}
    return sorted(found)


def test_every_name_says_what_lives_there():
    found = [line for path in HOUSE.rglob("*.py") for line in empty_words(path.relative_to(HOUSE).as_posix())]
    assert not found, comply(
        found, "Name the module by its noun: what lives there? (A foreign term goes into FOREIGN_TERMS.)"
    )


def test_files_for_people_name_no_machine_and_no_registry():
    found = [
        f"{path.relative_to(REPOSITORY)}:{line}"
        for path in read_by_people()
        for line in private(path.read_text(errors="replace"))
    ]
    assert not found, comply(
        found, "Write paths relative to the repository; registries are the reader's choice."
    )


def test_the_files_for_people_are_found():
    names = {path.relative_to(REPOSITORY).as_posix() for path in read_by_people()}
    assert {"README.md", "CONTRIBUTING.md", "requirements.lock", "Dockerfile"} <= names


def test_every_locked_requirement_has_its_hashes():
    for lock in ("requirements.lock", "requirements-dev.lock"):
        entries = (REPOSITORY / lock).read_text().replace("\\\n", " ").splitlines()
        bare = [entry for entry in entries if "==" in entry and "--hash=sha256:" not in entry]
        assert not bare, comply(bare, f"{lock} is made by `make lock`, with hashes.")


@pytest.mark.parametrize("path", ["queue/utils.py", "helpers/x.py", "posts/common_queries.py", "core.py"])
def test_an_empty_word_is_seen(path: str):
    assert empty_words(path)


@pytest.mark.parametrize("path", ["queue/manager.py", "posts/scores.py"])
def test_a_full_word_is_not(path: str):
    assert not empty_words(path)


@pytest.mark.parametrize(
    "line",
    [
        "cd " + "/" + "work/main",
        "-v " + "/" + "root/.cache:/x",
        "--index-url https://x",
        "see https://pypi.org/p",
    ],
)
def test_a_private_line_is_seen(line: str):
    assert private(line)
