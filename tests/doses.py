"""How many examples hypothesis takes: of each test a quarter, and all of them with ``--thorough``.

Examples are random, so that every run takes others; ``--hypothesis-profile=thorough`` takes twenty times all.
"""

import hypothesis
import pytest

WHOLE = 100
"""Examples of a test that does not say how many, in a full dose."""
_PATIENT = {"suppress_health_check": [hypothesis.HealthCheck.too_slow], "deadline": None}
"""Speed is no test's business."""

hypothesis.settings.register_profile("everyday", max_examples=WHOLE // 4, **_PATIENT)
hypothesis.settings.register_profile("whole", max_examples=WHOLE, **_PATIENT)
hypothesis.settings.register_profile("thorough", max_examples=20 * WHOLE, **_PATIENT)
hypothesis.settings.load_profile("everyday")


def pytest_sessionstart(session: pytest.Session) -> None:
    if session.config.getoption("--thorough") and not session.config.getoption("--hypothesis-profile"):
        hypothesis.settings.load_profile("whole")


def examples(whole: int) -> int:
    """Today's share of so many."""
    return max(2, whole * hypothesis.settings.default.max_examples // WHOLE)
