""".env.example names every variable, with the default that the code has."""

import re

from socialsync.settings import Settings
from tests.house.source import REPOSITORY
from tests.packaging import compose

FILE = REPOSITORY / ".env.example"
_LINE = re.compile(r"#(?P<name>[A-Z_]+)=(?P<value>.*)")
RESERVED = {"SENTRY_DSN", "OTEL_EXPORTER_OTLP_ENDPOINT"}
"""Variables of the public contract that settings.py does not read yet."""


def written() -> dict[str, str]:
    found = (_LINE.fullmatch(line) for line in FILE.read_text().splitlines())
    return {line["name"]: line["value"] for line in found if line}


def read() -> dict[str, str]:
    """Each variable of settings.py and its default, as one would write it."""
    return {
        field.alias or name.upper(): _spelt(field.default) for name, field in Settings.model_fields.items()
    }


def _spelt(default: object) -> str:
    if default is None:
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)


def composed() -> set[str]:
    """The variables that only docker-compose.yml reads."""
    return set(re.findall(r"\$\{(\w+)", compose.text())) - read().keys()


def test_every_variable_of_the_settings_stands_there_with_its_default():
    found = {name: value for name, value in written().items() if name in read()}
    assert found == read(), "Settings (settings.py) and .env.example name the same variables and defaults."


def test_every_other_variable_is_composes_or_reserved():
    assert written().keys() - read().keys() == composed() | RESERVED, (
        "A variable that nothing reads misleads: remove it. One that settings.py reads by now leaves RESERVED"
        " and the reserved paragraph of .env.example."
    )


def test_a_copy_of_it_changes_nothing(monkeypatch, tmp_path):
    for name in written():
        monkeypatch.delenv(name, raising=False)
    assert Settings(_env_file=FILE) == Settings(_env_file=None)


def test_with_every_mark_taken_away_it_is_still_valid(monkeypatch, tmp_path):
    for name in written():
        monkeypatch.delenv(name, raising=False)
    copy = tmp_path / ".env"
    copy.write_text(re.sub(r"^#(?=[A-Z_]+=)", "", FILE.read_text(), flags=re.MULTILINE))
    assert Settings(_env_file=copy) == Settings(_env_file=None)


def unexplained(lines: list[str]) -> list[str]:
    """Variables without a sentence of their own in the line above."""
    above = dict(zip(lines[1:], lines, strict=False))
    return [
        line for line in lines if _LINE.fullmatch(line) and not re.match(r"# \w.{12,}", above.get(line, ""))
    ]


def test_every_variable_is_explained_in_the_line_above():
    found = unexplained(FILE.read_text().splitlines())
    assert not found, f"Say in the line above what these are: {found}"


def test_a_variable_without_a_word_is_seen():
    assert unexplained(["# What it is good for", "#A=1", "#B=", "", "#C=", "# --- Title ---", "#D="]) == [
        "#B=",
        "#C=",
        "#D=",
    ]
