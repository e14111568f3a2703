"""Journeys begin first, so that no process of xdist still plays one when the others have nothing left."""

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deal the journeys out. ``worksteal`` hands each process an equal run of the list, and moves what waits
    at the ends of these runs; so each run begins with its share of the journeys.
    """
    processes = getattr(config, "workerinput", {}).get("workercount", 1)
    journeys = [item for item in items if item.get_closest_marker("journey")]
    others = [item for item in items if not item.get_closest_marker("journey")]
    dealt: list[pytest.Item] = []
    for number in range(processes):
        share = journeys[number::processes]
        size = (len(items) - len(dealt)) // (processes - number)
        room = max(size - len(share), 0)
        dealt += share + others[:room]
        others = others[room:]
    items[:] = dealt + others
