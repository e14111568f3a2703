from collections.abc import Iterator

import httpx
import pytest

from tests.simulator.asking import client_of
from tests.simulator.server import PLAIN, SimulatorServer


@pytest.fixture
def graph(simulator: SimulatorServer) -> Iterator[httpx.Client]:
    """Graph, as somebody with a good token sees it."""
    with client_of(simulator) as client:
        yield client


@pytest.fixture
def control(simulator: SimulatorServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{simulator.url}/_sim", timeout=5, verify=PLAIN) as client:
        yield client
