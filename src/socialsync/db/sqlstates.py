"""The codes by which Postgres says what went wrong."""

READ_ONLY = "25006"
"""Of a write on a standby: the fail-over is under way."""


def sqlstate(error: BaseException) -> str | None:
    """The one that Postgres gave, if this came from it."""
    return getattr(getattr(error, "orig", error), "sqlstate", None)
