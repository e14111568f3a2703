"""How many messages a number may send in a second, and to one person."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.simulator.asking import PHONE, client_of, message, ok, refusal, send
from tests.simulator.server import SimulatorServer


class Watch:
    def __init__(self):
        self.at = datetime(2026, 3, 4, 12, tzinfo=UTC)

    def __call__(self):
        return self.at


@pytest.fixture
def watch():
    return Watch()


def people():
    number = 33_600_000_000
    while True:
        number += 1
        yield f"+{number}"


def test_a_number_sends_a_burst_of_one_second_and_then_at_its_pace(watch):
    crowd = people()
    with SimulatorServer(throughput_per_s=5, now=watch) as world, client_of(world) as graph:
        for _ in range(5):
            ok(send(graph, to=next(crowd)))
        for _ in range(2):
            assert refusal(send(graph, to=next(crowd))) == (130429, None)
        watch.at += timedelta(seconds=0.2)
        ok(send(graph, to=next(crowd)))
        assert refusal(send(graph, to=next(crowd))) == (130429, None)
        ok(graph.post("/106540352242923/messages", json=message()))
        watch.at += timedelta(seconds=60)
        assert [send(graph, to=next(crowd)).status_code for _ in range(6)] == [200] * 5 + [400]
        assert len(world.ledger(account=PHONE)) == 11


def test_one_person_takes_45_messages_at_once_and_then_one_in_six_seconds(watch):
    with SimulatorServer(now=watch) as world, client_of(world) as graph:
        for _ in range(45):
            ok(send(graph))
        assert refusal(send(graph)) == (131056, None)
        ok(send(graph, to="+33698765432"))
        ok(graph.post("/106540352242923/messages", json=message()))
        watch.at += timedelta(seconds=5.9)
        assert refusal(send(graph)) == (131056, None)
        watch.at += timedelta(seconds=0.1)
        ok(send(graph))
        assert refusal(send(graph)) == (131056, None)


def test_without_limits_all_pass(watch):
    with SimulatorServer(throughput_per_s=0, pair_burst=0, now=watch) as world, client_of(world) as graph:
        assert {send(graph).status_code for _ in range(100)} == {200}
