"""``socialsync webhooks``: seeing what came, and handling it again."""

import json
import os

import pytest
from typer.testing import CliRunner

from socialsync import cli
from tests.cli.conftest import run
from tests.webhooks.conftest import add_delivery, as_meta_writes, status, told

__all__ = ["run"]  # a fixture

PLACED = """
insert into webhook_events (platform, body, digest, problem, handled_at, created_at, updated_at)
values (%(platform)s, %(body)s, sha256(%(body)s), %(problem)s, %(handled_at)s, %(at)s, %(at)s)
"""
WELL = as_meta_writes(told(status("sent"), number="0"))
WAITING = as_meta_writes(told(status("read"), number="0"))
OLD, NEW = "2026-03-01T12:00Z", "2026-03-04T12:00Z"


@pytest.fixture
def stored(owner):
    """One that went well, one that waits, one that could not be read."""
    place(owner, WELL, at=OLD, handled_at=OLD)
    place(owner, WAITING, at=NEW)
    place(owner, b"not json", at=NEW, problem="It was not understood", handled_at=NEW)
    return owner


def place(owner, body, *, at, problem=None, handled_at=None):
    values = {"platform": "whatsapp", "body": body, "problem": problem, "at": at, "handled_at": handled_at}
    owner.execute(PLACED, values)


def listed(run, *options):
    return json.loads(run("webhooks", "list", "--json", *options))


def replayed(run, *options):
    rows = json.loads(run("webhooks", "replay", "--json", *options))
    return {row["outcome"]: row["bodies"] for row in rows if row["bodies"]}


def test_bodies_are_listed_newest_first_without_their_content(run, stored):
    rows = listed(run)
    assert [row["bytes"] for row in rows] == [8, len(WAITING), len(WELL)]
    assert set(rows[0]) == {
        "id", "platform", "created_at", "times", "handled_at", "problem", "parts", "bytes"
    }  # fmt: skip


def test_a_list_for_people_counts_what_was_in_each(run, stored):
    parts = {"statuses": 3, "waiting": [1, 2], "unread": {"message text": 4}}
    stored.execute("update webhook_events set parts = %s where problem is not null", [json.dumps(parts)])
    shown = " ".join(run("webhooks", "list", "--troubled", "--limit", "1").split())
    for words in ("3 statuses", "4 message", "2", "waiting", "whatsapp"):
        assert words in shown


@pytest.mark.parametrize(
    ("options", "sizes"),
    [
        (["--troubled"], [8, len(WAITING)]),
        (["--unhandled"], [len(WAITING)]),
        (["--since", "2026-03-02"], [8, len(WAITING)]),
        (["--limit", "1"], [8]),
    ],
)
def test_a_list_may_be_narrowed(run, stored, options, sizes):
    assert [row["bytes"] for row in listed(run, *options)] == sizes


def test_what_is_troubled_is_handled_again(run, stored):
    assert replayed(run) == {"handled": 1, "problem": 1}
    rows = listed(run)
    assert [row["problem"] for row in rows] == ["It is not JSON", None, None]
    assert rows[1]["parts"] == {"strangers": 1}
    assert replayed(run) == {"problem": 1}


def test_what_is_handled_again_may_be_chosen(run, stored):
    assert replayed(run, "--all", "--since", "2026-03-02") == {"handled": 1, "problem": 1}
    assert replayed(run, "--all") == {"handled": 2, "problem": 1}
    assert replayed(run, "--unhandled") == {}
    run("webhooks", "replay", "--all", "--unhandled", expect=2)


def test_a_replay_is_told_in_a_sentence_and_audited(run, stored):
    assert run("webhooks", "replay") == "Handled 2 again: 1 went well, 1 cannot be read.\n"
    (action, detail) = stored.execute("select action, detail from audit_log").fetchone()
    assert action == "webhooks.replayed"
    assert detail == {"which": "troubled", "since": None, "outcomes": {"handled": 1, "problem": 1}}


def test_a_replay_that_fails_says_so_and_hinders_no_other(run, stored):
    add_delivery(stored)
    stored.execute("alter table post_deliveries add constraint broken check (status <> 'read')")
    place(stored, as_meta_writes(told(status("read"))), at=OLD)
    place(stored, as_meta_writes(told(status("read", "wamid.2"))), at=NEW)
    said = run("webhooks", "replay", expect=1)
    assert "2 went well, 1 cannot be read, 1 failed" in said
    stored.execute("alter table post_deliveries drop constraint broken")
    assert replayed(run, "--unhandled") == {"handled": 1}
    assert stored.execute("select status from post_deliveries").fetchone() == ("read",)


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """Run a command where there is no database at all."""
    for name in [name for name in os.environ if name.startswith(("META_", "SOCIALSYNC_", "DATABASE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SOCIALSYNC_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)

    def run(*command):
        return CliRunner().invoke(cli.app, command)

    return run


def test_what_to_enter_at_meta_is_told_before_anything_runs(bare, tmp_path, monkeypatch):
    monkeypatch.setenv("SOCIALSYNC_PUBLIC_URL", "https://social.example.com/")
    told = json.loads(bare("webhooks", "setup", "--json").stdout)
    assert told == {
        "whatsapp": "https://social.example.com/webhooks/whatsapp",
        "instagram": "https://social.example.com/webhooks/instagram",
        "verify_token": (tmp_path / "home/secrets/verify_token").read_text(),
    }
    shown = bare("webhooks", "setup")
    assert all(value in shown.stdout for value in told.values())
    assert shown.stderr == ""


def test_the_token_to_enter_is_the_one_that_was_set(bare, monkeypatch, tmp_path):
    monkeypatch.setenv("META_VERIFY_TOKEN", "a word of ours")
    assert json.loads(bare("webhooks", "setup", "--json").stdout)["verify_token"] == "a word of ours"
    assert not (tmp_path / "home/secrets/verify_token").exists()


def test_an_address_that_meta_cannot_call_is_said(bare):
    told = bare("webhooks", "setup", "--json")
    assert "SOCIALSYNC_PUBLIC_URL" in told.stderr
    assert json.loads(told.stdout)["whatsapp"] == "http://127.0.0.1:8000/webhooks/whatsapp"
