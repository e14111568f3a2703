"""The environment: read once, typed, and refused in one line."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import psutil
import pytest

from socialsync import settings
from socialsync.errors import Invalid
from socialsync.settings import Settings

URL = "http://127.0.0.1:5555"


@pytest.fixture(autouse=True)
def environment(tmp_path, monkeypatch):
    """An environment of our own."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    return monkeypatch


def test_the_defaults_are_those_of_the_contract(tmp_path):
    found = settings.load()
    assert found.embedded
    assert found.home == tmp_path / ".socialsync"
    assert (found.whatsapp_graph, found.instagram_graph) == (
        "https://graph.facebook.com",
        "https://graph.instagram.com",
    )
    assert (found.meta_graph_version, found.log_level, found.log_format) == ("v25.0", "info", None)


def test_instagram_follows_the_graph_that_is_set(environment):
    environment.setenv("META_GRAPH_URL", "http://127.0.0.1:9000/")
    assert settings.load().instagram_graph == "http://127.0.0.1:9000"
    environment.setenv("INSTAGRAM_GRAPH_URL", "http://127.0.0.1:9001")
    assert settings.load().instagram_graph == "http://127.0.0.1:9001"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATABASE_URL", "mysql at home"),
        ("META_GRAPH_URL", "meta.example"),
        ("META_GRAPH_VERSION", "newest"),
        ("SOCIALSYNC_PUBLIC_URL", "ftp://files"),
        ("SMTP_URL", "mail.example.com:25"),
        ("SMTP_URL", "smtp://mail.example.com:many"),
        ("SMTP_URL", "https://mail.example.com"),
        ("SOCIALSYNC_MAIL_FROM", "the desk"),
        ("SOCIALSYNC_LOG_LEVEL", "loud"),
        ("SOCIALSYNC_LOG_FORMAT", "xml"),
    ],
)
def test_an_invalid_value_is_one_line_with_the_variable_and_without_the_value(environment, variable, value):
    environment.setenv(variable, value)
    with pytest.raises(Invalid) as refused:
        settings.load()
    assert refused.value.message.startswith(variable)
    assert "\n" not in refused.value.message
    assert value not in refused.value.message


@pytest.mark.parametrize(
    ("variable", "value", "example"),
    [
        ("OPENAI_BASE_URL", ":", "https://api.openai.com/v1"),
        ("SOCIALSYNC_EMBEDDING_BASE_URL", "models", "https://api.openai.com/v1"),
        ("SOCIALSYNC_PUBLIC_URL", "x", "https://social.example.com"),
        ("META_GRAPH_URL", "http://[::1", "https://graph.facebook.com"),
        ("META_GRAPH_URL", "http://host:port", "https://graph.facebook.com"),
    ],
)
def test_an_invalid_url_is_answered_with_one_like_it(environment, variable, value, example):
    environment.setenv(variable, value)
    with pytest.raises(Invalid) as refused:
        settings.load()
    assert refused.value.message == f"{variable} is not an absolute URL; write it like {example}"


def test_an_invalid_value_stops_the_job_door_with_one_line_and_no_traceback(tmp_path):
    for code in ("from socialsync.worker import app",):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "META_GRAPH_URL": "nowhere", "SOCIALSYNC_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert done.stderr.startswith("META_GRAPH_URL ")


def test_a_password_in_a_wrong_url_is_not_shown(environment):
    environment.setenv("DATABASE_URL", "postgresql://me:hunter2@host/db?nonsense=1")
    with pytest.raises(Invalid) as refused:
        settings.load()
    assert "hunter2" not in str(refused.value)


def test_secrets_never_show_in_a_representation(environment):
    environment.setenv("DATABASE_URL", "postgresql://me:hunter2@host/db")
    environment.setenv("META_APP_SECRET", "swordfish")
    shown = repr(settings.load())
    assert "hunter2" not in shown
    assert "swordfish" not in shown


def test_a_generated_secret_is_made_once_by_whoever_comes_first(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        found = {pool.submit(lambda: settings.load().app_secret).result() for _ in range(16)}
    assert len(found) == 1
    (path,) = (tmp_path / ".socialsync" / "secrets").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_running_up_of_the_same_home_is_the_outside_world(tmp_path):
    home = tmp_path / ".socialsync"
    home.mkdir()
    world = home / settings.WORLD_FILE
    world.write_text(json.dumps({"url": URL, "pid": os.getpid(), "born": psutil.Process().create_time()}))
    assert settings.load().whatsapp_graph == URL
    world.write_text(json.dumps({"url": URL, "pid": os.getpid(), "born": 1.0}))
    assert settings.load().whatsapp_graph == "https://graph.facebook.com"


def test_several_keys_rotate(environment):
    environment.setenv("SOCIALSYNC_SECRET_KEY", "the new secret key, the old secret key")
    assert settings.load().secret_keys == ["the new secret key", "the old secret key"]


def test_prices_that_operators_set_are_read_exactly(environment):
    told = '{"llama-9": {"input": 0.60, "output": 1}, "bge-m3": {"input": 0.01}}'
    environment.setenv("SOCIALSYNC_AI_PRICES", told)
    assert settings.load().ai_prices == {
        "llama-9": (Decimal("0.60"), Decimal(1)),
        "bge-m3": (Decimal("0.01"), Decimal(0)),
    }


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("llama-9: cheap", "is not JSON"),
        ("[1, 2]", "is not a JSON object of models"),
        ('{"": {"input": 1}}', "a model without a name"),
        ('{"llama-9": 0.6}', "does not say what input"),
        ('{"llama-9": {"output": 0.6}}', "does not say what input"),
        ('{"llama-9": {"input": 0.6, "cached": 0.1}}', "does not say what input"),
        ('{"llama-9": {"input": -1}}', "is not between 0 and"),
        ('{"llama-9": {"input": "1"}}', "is not between 0 and"),
        ('{"llama-9": {"input": true}}', "is not between 0 and"),
        ('{"llama-9": {"input": NaN}}', "is not between 0 and"),
        ('{"llama-9": {"input": 1, "output": 1e9}}', "is not between 0 and"),
    ],
)
def test_prices_that_say_nothing_are_one_line_with_the_fix(environment, value, problem):
    environment.setenv("SOCIALSYNC_AI_PRICES", value)
    with pytest.raises(Invalid) as refused:
        settings.load()
    message = refused.value.message
    assert message.startswith("SOCIALSYNC_AI_PRICES ")
    assert problem in message
    assert "write it like {" in message
    assert "\n" not in message


def test_an_empty_list_of_keys_is_refused(environment):
    environment.setenv("SOCIALSYNC_SECRET_KEY", " , ")
    with pytest.raises(Invalid, match=r"^SOCIALSYNC_SECRET_KEY has no key"):
        settings.load()
