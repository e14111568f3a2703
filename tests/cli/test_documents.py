"""What ``socialsync document`` says when it cannot do what it was asked: a sentence with the fix."""

import os
import subprocess
import sys
from uuid import uuid4

import pytest

AT = ("--workspace", "Bakery")


@pytest.fixture
def add(run):
    run("workspace", "create", "Bakery")

    def add(source, *options, expect=0):
        return run("document", "add", str(source), *AT, "--no-wait", *options, expect=expect)

    return add


def test_a_file_is_taken_and_listed(add, run, tmp_path):
    (tmp_path / "hours.md").write_text("We open at nine.")
    document_id = add("hours.md").strip()
    assert '"status": "pending"' in run("document", "show", document_id, *AT, "--json")
    assert "hours.md" in run("document", "list", *AT)


def test_at_80_columns_ids_are_whole_and_one_document_is_shown_with_all_it_has(
    add, run, tmp_path, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "hours.md").write_text("We open at nine.")
    document_id = add("hours.md", "--title", "When our bakery in the old town is open " * 3).strip()
    listed = run("document", "list", *AT).splitlines()
    assert [line.split()[0] for line in listed if "When our" in line] == [document_id]
    assert max(map(len, listed)) <= 80
    shown = run("document", "show", document_id, *AT)
    assert f"id           {document_id}" in shown.splitlines()
    key = run("apikey", "create", "--workspace", "Bakery", "--role", "viewer").strip()
    (row,) = [line.split() for line in run("apikey", "list").splitlines() if "viewer" in line]
    assert key.startswith(row[0])
    assert len(row[3]) == len(document_id), "the workspace's id"
    run("apikey", "revoke", row[0])
    assert "now" in run("apikey", "list") or "ago" in run("apikey", "list")


@pytest.mark.parametrize(
    "source",
    [
        "nowhere.pdf", "a folder", "hours.md/inside", "ftp://example.com/x", "https://me:secret@example.com/",
        "https://", "http://example.com:99999/",
    ],
)  # fmt: skip
def test_what_is_neither_a_file_nor_a_page_is_wrong_usage(add, tmp_path, source):
    (tmp_path / "a folder").mkdir()
    (tmp_path / "hours.md").write_text("We open at nine.")
    add(source, expect=2)


def test_a_title_that_is_too_long_is_wrong_usage(add, tmp_path):
    (tmp_path / "hours.md").write_text("We open at nine.")
    add("hours.md", "--title", "x" * 301, expect=2)


@pytest.mark.parametrize(("size", "said"), [(0, "is empty"), (50 * 2**20 + 1, "larger than 50 MB")])
def test_a_file_that_cannot_be_learnt_is_refused_before_anything_is_stored(add, run, tmp_path, size, said):
    with (tmp_path / "file.txt").open("wb") as file:
        file.truncate(size)
    assert said in add("file.txt", expect=1)
    assert "No document yet" in run("document", "list", *AT)


def test_what_is_not_there_is_said_with_what_lists_it(add, run):
    said = run("document", "show", str(uuid4()), *AT, expect=1)
    assert (
        said == 'There is no such document in this workspace. socialsync document list --workspace "Bakery"'
    )
    said = run("document", "list", "--workspace", "Butcher", expect=1)
    assert said == "There is no workspace 'Butcher'. socialsync workspace list"


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        (("list", *AT), 1, "Is Postgres running and migrated?"),
        (("add", "nowhere.pdf", *AT), 2, "there is no file"),
    ],
)
def test_whatever_goes_wrong_is_a_sentence_without_a_traceback(tmp_path, command, status, said):
    ended = subprocess.run(
        [sys.executable, "-m", "socialsync", "document", *command],
        cwd=tmp_path,
        env={
            **os.environ,
            "DATABASE_URL": "postgresql://me:hunter2@127.0.0.1:1/db",
            "SOCIALSYNC_HOME": str(tmp_path),
            "COLUMNS": "200",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (status, "")
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "hunter2" not in ended.stderr
