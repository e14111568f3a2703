"""Log lines keep secrets, tracebacks too."""

import subprocess
import sys

import pytest

from socialsync.telemetry import mask_secrets, scrub

FAILING = """
import logging, sys
from socialsync import telemetry

telemetry.configure(level="info", form=sys.argv[1])
log = telemetry.get_logger("test")

def call(url):
    local_variable = "EAAGm0PX4ZCpsBA"
    raise ValueError(f"GET {url} failed")

try:
    call("https://graph/me?access_token=EAAGm0PX4ZCpsBA")
except ValueError:
    log.exception("call failed", authorization="Bearer EAAGm0PX4ZCpsBA")
    logging.getLogger("uvicorn.error").exception("failed")
logging.getLogger("uvicorn.access").info("GET /?access_token=EAAGm0PX4ZCpsBA")
"""


@pytest.mark.parametrize("form", ["console", "json"])
def test_a_traceback_shows_no_secret_and_no_variable(form):
    ended = subprocess.run(
        [sys.executable, "-c", FAILING, form], capture_output=True, text=True, timeout=30, check=True
    )
    assert "call failed" in ended.stderr
    assert ended.stderr.count("in call") == 2
    assert "access_token=***" in ended.stderr
    assert "EAAGm0PX4ZCpsBA" not in ended.stderr + ended.stdout


def test_values_are_masked_by_their_names():
    event = mask_secrets(None, "info", {"event": "x", "access_token": "y", "api_key": None, "name": "z"})
    assert event == {"event": "x", "access_token": "***", "api_key": None, "name": "z"}


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("Authorization: Bearer abc, next", "Authorization: Bearer *** next"),
        ("GET /me?access_token=abc&fields=id", "GET /me?access_token=***&fields=id"),
        ("postgresql://me:secret@host/db", "postgresql://me:***@host/db"),
        ("postgresql://me:se@cret@host/db", "postgresql://me:***@host/db"),
        ("host=x password=secret dbname=y", "host=x password=*** dbname=y"),
        ("client_secret=secret&appsecret_proof=proof", "client_secret=***&appsecret_proof=***"),
        ('{"access_token": "abc", "id": 1}', '{"access_token": "***", "id": 1}'),
        ("{'token': 'abc'}", "{'token': '***'}"),
        ("x-api-key: secret, next", "x-api-key: ***, next"),
        ("Authorization: Basic c2VjcmV0", "Authorization: Basic ***"),
        ("Incorrect API key provided: sk-proj-abcdefgh12345678.", "Incorrect API key provided: ***."),
        ("no workspace has ss_abcdefghijklmnopqrstuvwxyz-_0123456789", "no workspace has ***"),
        ("EAAGm0PX4ZCpsBAKZA is not a valid token", "*** is not a valid token"),
        ("max_tokens=100, prompt_tokens: 7", "max_tokens=100, prompt_tokens: 7"),
        ("the token expired; basic rules apply", "the token expired; basic rules apply"),
        ("http://host:8000/mail?to=a@b", "http://host:8000/mail?to=a@b"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_secrets_are_scrubbed_by_their_form(text, scrubbed):
    assert scrub(text) == scrubbed


def test_secrets_inside_of_values_are_masked_too():
    line = {"headers": {"Authorization": "Bearer abc"}, "urls": ["https://x?access_token=abc"], "count": 2}
    masked = mask_secrets(None, "info", dict(line))
    assert "abc" not in str(masked)
    assert masked["count"] == 2
