"""Where the tables of words lie."""

from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "lexicon"


def read_lines(name: str) -> Sequence[str]:
    """A table's lines, without empty ones and those that begin with a hash."""
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
