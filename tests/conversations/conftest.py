"""The inbox, and a brain that says what a test wants."""

from tests.messages.conftest import inbox, meta, office

__all__ = ["inbox", "meta", "office"]
