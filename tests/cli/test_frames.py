"""What goes on is drawn in place on a terminal, and said in lines in a file."""

import io

import pytest
from rich.console import Console

from socialsync.cli import frames


@pytest.fixture
def file():
    return Console(file=io.StringIO(), width=40, force_terminal=False)


def said(where: Console) -> list[str]:
    return where.file.getvalue().splitlines()


def test_in_a_file_each_thing_is_said_once_and_the_last_frame_once(file):
    with frames.drawing("Posts", file) as draw:
        draw("one of two", ["A reel [x]"])
        draw("one of two", ["A reel [x]"])
        draw("two of two", ["A reel [x]", "A story"])
    file.print("Next")
    assert said(file) == ["Posts ...", "  A reel [x]", "  A story", "", "two of two", "", "Next"]


def test_in_a_file_steps_and_waits_are_lines(file):
    with frames.steps(2, file) as step:
        step("Starting Postgres")
        step("Starting the API")
    with frames.waiting("Reading", file):
        pass
    assert said(file) == ["Starting Postgres ...", "Starting the API ...", "Reading ...", ""]


def test_what_was_drawn_stands_there_also_when_the_story_breaks_off(file):
    with pytest.raises(OSError, match="gone"), frames.drawing("Posts", file) as draw:
        draw("one of two", ())
        raise OSError("gone")
    assert "one of two" in said(file)


def test_a_terminal_has_the_frame_and_no_lines():
    where = Console(file=io.StringIO(), width=40, force_terminal=True)
    with frames.drawing("Posts", where) as draw:
        draw("two of two", ["A reel"])
    assert "two of two" in where.file.getvalue()
    assert "A reel" not in where.file.getvalue()
    assert "Posts ..." not in where.file.getvalue()
