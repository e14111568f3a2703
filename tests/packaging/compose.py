"""docker-compose.yml as compose reads it: anchors merged, variables put in."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import yaml

from tests.house.source import REPOSITORY

REQUIRED = {
    "POSTGRES_PASSWORD": "the owner's",
    "SOCIALSYNC_APP_PASSWORD": "the application's",
    "SOCIALSYNC_SECRET_KEY": "a key",
    "META_APP_SECRET": "an app secret",
    "META_VERIFY_TOKEN": "a word",
}
_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?:(?P<how>:[-?])(?P<rest>[^}]*))?\}")


class Missing(Exception):
    """What compose stops with: the variable and the message that the file gives."""


@cache
def text() -> str:
    return (REPOSITORY / "docker-compose.yml").read_text()


def services(given: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The services, with these variables in the environment."""
    found: dict[str, dict[str, Any]] = interpolated(yaml.safe_load(text()), given)["services"]
    return found


def interpolated(part: Any, given: Mapping[str, str]) -> Any:
    if isinstance(part, dict):
        return {key: interpolated(value, given) for key, value in part.items()}
    if isinstance(part, list):
        return [interpolated(value, given) for value in part]
    if not isinstance(part, str):
        return part

    def put_in(found: re.Match[str]) -> str:
        value = given.get(found["name"], "")
        if not value and found["how"] == ":?":
            raise Missing(f"{found['name']}: {found['rest']}")
        return value or (found["rest"] or "" if found["how"] == ":-" else "")

    return _VARIABLE.sub(put_in, part)
