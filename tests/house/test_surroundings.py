"""The environment is read in one file, and the clock in one other."""

import ast
from collections.abc import Iterator

import pytest

from tests.house.source import Module, comply, modules, snippet

ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "os.getenvb", "os.putenv", "dotenv.load_dotenv"}
"""settings.py needs none of these: it reads through pydantic-settings, which import-linter keeps there."""
MAY_READ_ENVIRONMENT = {
    "cli/stack.py": "hands the environment on to the processes it starts",
    "cli/database.py": "hands the environment on to psql, with the password that argv would show",
    "worker/process.py": "hands the environment on to the workers it starts",
    "cli/channels.py": "a token for one command, which may not stand in the shell's history",
}
CLOCKS = {
    "datetime.date.today",
    "datetime.datetime.now",
    "datetime.datetime.today",
    "datetime.datetime.utcnow",
    "time.gmtime",
    "time.localtime",
    "time.time",
    "time.time_ns",
}
MAY_LOOK_AT_THE_CLOCK = {
    "clock.py": "the one file",
    "cli/scenes.py": "dates its posts as a user's program would, outside the house",
    "simulator/": "another world: it shares no code with the house",
}


def environment_reads(module: Module) -> Iterator[str]:
    for node in module.nodes:
        if isinstance(node, ast.Name | ast.Attribute) and module.full_name(node) in ENVIRONMENT:
            yield module.at(node, module.full_name(node))
        elif isinstance(node, ast.keyword) and node.arg == "envvar":
            yield module.at(node.value, f"envvar={ast.unparse(node.value)}")


def clock_reads(module: Module) -> Iterator[str]:
    for node in module.nodes:
        if isinstance(node, ast.Name | ast.Attribute) and module.full_name(node) in CLOCKS:
            yield module.at(node, module.full_name(node))


def test_the_environment_is_read_in_settings():
    found = [
        finding
        for module in modules()
        if module.path not in MAY_READ_ENVIRONMENT
        for finding in environment_reads(module)
    ]
    assert not found, comply(
        found, "Add a field to Settings (settings.py), a line to .env.example, and hand the value down."
    )


def test_the_clock_is_looked_at_in_one_place():
    found = [
        finding
        for module in modules()
        if not module.path.startswith(tuple(MAY_LOOK_AT_THE_CLOCK))
        for finding in clock_reads(module)
    ]
    assert not found, comply(
        found,
        "Ask socialsync.clock.now(), which tests can move; a rule is given the time. Durations: loop.time().",
    )


@pytest.mark.parametrize("path", MAY_READ_ENVIRONMENT)
def test_every_reader_of_the_environment_still_reads_it(path: str):
    assert any(list(environment_reads(module)) for module in modules() if module.path == path), (
        f"{path} no longer reads the environment: remove it from MAY_READ_ENVIRONMENT in {__file__}"
    )


@pytest.mark.parametrize("path", MAY_LOOK_AT_THE_CLOCK)
def test_every_watcher_of_the_clock_still_looks_at_it(path: str):
    assert any(list(clock_reads(module)) for module in modules() if module.path.startswith(path)), (
        f"{path} no longer looks at the clock: remove it from MAY_LOOK_AT_THE_CLOCK in {__file__}"
    )


@pytest.mark.parametrize(
    "text",
    [
        "import os\nx = os.environ['HOME']\n",
        "from os import environ as e\nx = e.get('HOME')\n",
        "import os\nx = os.getenv('HOME')\n",
        "import typer\nx = typer.Option(envvar='HOME')\n",
    ],
)
def test_a_read_of_the_environment_is_seen(text: str):
    assert list(environment_reads(snippet(text)))


@pytest.mark.parametrize(
    "text",
    [
        "from datetime import datetime\nx = datetime.now()\n",
        "import datetime as dt\nx = field(default_factory=dt.datetime.utcnow)\n",
        "from datetime import date\nx = date.today()\n",
        "import time\nx = time.time()\n",
        "from time import time\nx = time()\n",
    ],
)
def test_a_look_at_the_clock_is_seen(text: str):
    assert list(clock_reads(snippet(text)))


def test_our_own_clock_and_durations_are_fine():
    text = "import time\nfrom socialsync import clock\nx = clock.now(), loop.time(), time.monotonic()\n"
    assert not list(clock_reads(snippet(text)))
