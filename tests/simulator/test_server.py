import os
import signal
import socket
import subprocess
import sys
from time import monotonic, sleep

import httpx
import pytest

from tests.simulator.asking import PHONE, client_of, message, ok, post
from tests.simulator.receiver import SECRET, Receiver
from tests.simulator.server import PLAIN, SimulatorServer


def test_run_serves_quietly_until_it_is_interrupted():
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", f"from socialsync.simulator import run; run({port})"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", verify=PLAIN) as client:
            wait_for(client)
            client.post("/_sim/faults", json={"action": "lost_answer"})
            with pytest.raises(httpx.RemoteProtocolError):
                client.post(f"/v25.0/{PHONE}/messages", json=message(access_token="a-token"))
            assert len(ok(client.get("/_sim/ledger"))["effects"]) == 1
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=10)
    finally:
        process.kill()
        process.communicate()
    assert (process.returncode, output) == (0, b"")


@pytest.mark.parametrize("way", ["option", "environment"])
def test_the_command_tells_whom_it_is_told_to(way, tmp_path):
    port, environment = free_port(), {**os.environ, "SOCIALSYNC_HOME": str(tmp_path)}
    with Receiver() as receiver:
        command = [sys.executable, "-m", "socialsync", "simulator", "--port", str(port)]
        command += ["--callback", receiver.url]
        if way == "option":
            command += ["--app-secret", SECRET]
        else:
            environment["META_APP_SECRET"] = SECRET
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", verify=PLAIN) as client:
                wait_for(client)
                ok(client.post(f"/v25.0/{PHONE}/messages", json=message(access_token="a-token")))
                receiver.wait(3)
                receiver.hold.clear()
                ok(client.post(f"/v25.0/{PHONE}/messages", json=message(access_token="a-token")))
                receiver.wait(4)
            process.send_signal(signal.SIGINT)  # while it waits for an answer
            output, _ = process.communicate(timeout=10)
        finally:
            process.kill()
            process.communicate()
    assert (process.returncode, output) == (0, b"")


def test_the_command_refuses_a_callback_that_cannot_be_called():
    command = [sys.executable, "-m", "socialsync", "simulator", "--callback", "127.0.0.1:8000"]
    refused = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert refused.returncode == 2
    assert "--callback" in refused.stderr


def test_stopping_does_not_wait_for_those_who_sleep(caplog):
    world = SimulatorServer().start()
    world.fault(action="slow", delay_s=60)
    with client_of(world) as graph, pytest.raises(httpx.ReadTimeout):
        graph.get("/me", timeout=0.05)
    started = monotonic()
    world.stop()
    assert monotonic() - started < 5
    assert caplog.records == []


def test_two_starts_give_out_different_ids():
    ids = set()
    for first in (1_000, 2_000):
        with SimulatorServer(first_id=first) as world, client_of(world) as graph:
            ids.add(post(graph))
    assert len(ids) == 2


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(client):
    deadline = monotonic() + 20
    while monotonic() < deadline:
        try:
            return ok(client.get("/_sim/health"))
        except httpx.ConnectError:
            sleep(0.05)
    raise TimeoutError("The simulator did not start")
