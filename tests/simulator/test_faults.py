import json
from pathlib import Path
from time import monotonic

import httpx
import pytest

from tests.simulator.asking import IG, PHONE, client_of, ok, post, prepare, publish, refusal, send, status_of

PAYLOADS = sorted((Path(__file__).parent.parent / "payloads" / "graph_errors").glob("*.json"))
PUBLISH = {"kind": "instagram.publish"}


def test_a_lost_answer_happens_and_nobody_is_told(graph, simulator):
    simulator.fault(action="lost_answer", match=PUBLISH)
    container = prepare(graph)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        publish(graph, container)
    (effect,) = simulator.ledger(kind="instagram.publish")
    assert effect["answer_lost"] is True
    assert status_of(graph, container) == "PUBLISHED"
    assert simulator.requests()["by_answer"] == {"200": 2, "none": 1}


def test_a_dropped_request_did_not_happen(graph, simulator):
    simulator.fault(action="drop")
    with pytest.raises(httpx.RemoteProtocolError):
        send(graph)
    assert simulator.ledger() == []
    ok(send(graph))


def test_a_refusal_does_not_use_up_a_fault_that_comes_after_the_effect(graph, simulator):
    simulator.fault(action="lost_answer", match={"kind": "whatsapp.message"})
    refusal(send(graph, text=None))
    with pytest.raises(httpx.RemoteProtocolError):
        send(graph)


def test_a_slow_answer_is_slow_before_or_after_the_effect(graph, simulator):
    for when in ("before", "after"):
        simulator.fault(action="slow", delay_s=0.1, when=when)
        started = monotonic()
        ok(send(graph))
        assert monotonic() - started >= 0.1
    assert [effect["answer_lost"] for effect in simulator.ledger()] == [False, False]


@pytest.mark.parametrize("when", ["before", "after"])
def test_who_hangs_up_too_early_never_learns_that_it_happened(graph, simulator, when):
    simulator.fault(action="slow", delay_s=0.15, when=when)
    with pytest.raises(httpx.ReadTimeout):
        graph.post(f"/{IG}/media", json={"image_url": "https://example.org/a.jpg"}, timeout=0.05)
    simulator.fault(action="slow", delay_s=0.2)  # our next answer comes after the one we did not wait for
    prepare(graph)
    assert [effect["answer_lost"] for effect in simulator.ledger()] == [True, False]


def test_what_still_sleeps_at_a_reset_leaves_no_trace_in_the_new_world(graph, simulator):
    simulator.fault(action="slow", delay_s=0.1)
    with pytest.raises(httpx.ReadTimeout):
        graph.post(f"/{IG}/media", json={"image_url": "https://example.org/a.jpg"}, timeout=0.05)
    simulator.reset()
    simulator.fault(action="slow", delay_s=0.15)
    ok(send(graph))
    assert [effect["kind"] for effect in simulator.ledger()] == ["whatsapp.message"]


def test_a_500_before_the_effect_leaves_nothing_and_one_after_it_leaves_a_post(graph, simulator):
    container = prepare(graph)
    simulator.fault(action="status", status=500, match=PUBLISH)
    answer = publish(graph, container)
    assert (answer.status_code, refusal(answer)) == (500, (1, None))
    assert simulator.ledger(kind="instagram.publish") == []

    simulator.fault(action="status", status=502, when="after", body="<h1>Bad Gateway</h1>", match=PUBLISH)
    answer = publish(graph, container)
    assert (answer.status_code, answer.text) == (502, "<h1>Bad Gateway</h1>")
    assert answer.headers["content-type"].startswith("text/html")
    assert [effect["answer_lost"] for effect in simulator.ledger(kind="instagram.publish")] == [True]


def test_any_status_comes_with_any_headers_and_body(graph, simulator):
    simulator.fault(action="status", status=429, headers={"Retry-After": "7"}, body={"odd": True})
    answer = send(graph)
    assert (answer.status_code, answer.headers["Retry-After"], answer.json()) == (429, "7", {"odd": True})


@pytest.mark.parametrize(
    ("path", "code"), [(f"/{PHONE}/messages", 130429), (f"/{IG}/media", 80002), ("/me", 4)]
)
def test_a_rate_limit_says_when_to_come_back(graph, simulator, path, code):
    simulator.fault(action="retry_after", retry_after_s=90)
    answer = graph.get(path) if path == "/me" else graph.post(path)
    assert (answer.status_code, refusal(answer)) == (429, (code, None))
    assert answer.headers["Retry-After"] == "90"
    ((use_case,),) = json.loads(answer.headers["X-Business-Use-Case-Usage"]).values()
    assert (use_case["call_count"], use_case["estimated_time_to_regain_access"]) == (100, 2)


def test_usage_can_be_high_while_everything_works(graph, simulator):
    simulator.fault(action="usage", call_count=97, estimated_time_to_regain_access=3)
    answer = send(graph)
    assert json.loads(answer.headers["X-App-Usage"])["call_count"] == 97
    assert json.loads(send(graph).headers["X-App-Usage"])["call_count"] == 1


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda path: path.stem)
def test_an_error_is_ordered_by_code_and_said_as_meta_says_it(graph, simulator, payload):
    sample = json.loads(payload.read_text())
    expected = sample["body"]["error"]
    simulator.fault(action="error", code=expected["code"], subcode=expected.get("error_subcode"))
    answer = send(graph)
    said = answer.json()["error"]
    assert answer.status_code == sample["http_status"]
    for name in ("code", "error_subcode", "type", "error_data"):
        assert said.get(name) == expected.get(name)
    assert bool(said.get("is_transient")) == bool(expected.get("is_transient"))
    assert simulator.ledger() == []


def test_an_error_can_be_spelt_out_and_come_after_the_effect(graph, simulator):
    simulator.fault(
        action="error",
        code=4242,
        subcode=17,
        message="No",
        type="OddException",
        http_status=418,
        is_transient=True,
        user_title="Title",
        user_msg="Message",
        details="Details",
        headers={"X-Odd": "yes"},
        when="after",
    )
    answer = send(graph)
    assert (answer.status_code, answer.headers["X-Odd"]) == (418, "yes")
    error = answer.json()["error"]
    del error["fbtrace_id"]
    assert error == {
        "message": "No",
        "type": "OddException",
        "code": 4242,
        "error_subcode": 17,
        "is_transient": True,
        "error_user_title": "Title",
        "error_user_msg": "Message",
        "error_data": {"messaging_product": "whatsapp", "details": "Details"},
    }
    assert simulator.ledger()[0]["answer_lost"] is True


def test_a_new_container_can_be_slow_fail_or_expire(graph, simulator):
    simulator.fault(action="container_in_progress", reads=2)
    container = prepare(graph)
    assert [status_of(graph, container) for _ in range(3)] == ["IN_PROGRESS", "IN_PROGRESS", "FINISHED"]

    simulator.fault(action="container_error", subcode=2207026)
    container = prepare(graph)
    failed = ok(graph.get(f"/{container}?fields=status_code,status"))
    assert failed["status_code"] == "ERROR"
    assert "2207026" in failed["status"]
    assert refusal(publish(graph, container)) == (9007, 2207027)

    simulator.fault(action="container_expired")
    container = prepare(graph)
    assert status_of(graph, container) == "EXPIRED"
    assert refusal(publish(graph, container)) == (-2, 2207020)


def test_a_container_can_fail_when_it_is_looked_at_or_published(graph, simulator):
    container = prepare(graph)
    simulator.fault(action="container_error", match={"path": f"/{container}$"})
    assert status_of(graph, container) == "ERROR"

    container = prepare(graph)
    simulator.fault(action="container_expired", match=PUBLISH)
    assert refusal(publish(graph, container)) == (-2, 2207020)


def test_a_container_can_take_seconds(graph, simulator):
    simulator.fault(action="container_in_progress", seconds=600)
    container = prepare(graph)
    assert [status_of(graph, container) for _ in range(2)] == ["IN_PROGRESS"] * 2


def test_a_fault_hits_as_often_as_it_was_ordered_after_those_it_lets_pass(graph, simulator):
    simulator.fault(action="status", status=503, skip=1, times=2)
    assert [send(graph).status_code for _ in range(5)] == [200, 503, 503, 200, 200]
    (fault,) = simulator.faults()
    assert (fault["matched"], fault["hits"], fault["left"]) == (3, 2, 0)


def test_a_fault_without_end_ends_when_it_is_taken_back(graph, simulator):
    simulator.fault(action="status", status=503, times=None)
    assert [send(graph).status_code for _ in range(5)] == [503] * 5
    simulator.clear_faults()
    assert simulator.faults() == []
    ok(send(graph))


def test_a_fault_with_odds_hits_some_and_the_same_ones_after_each_reset(graph, simulator):
    rounds = []
    for _ in range(2):
        simulator.reset()
        simulator.fault(action="status", status=503, times=None, probability=0.5)
        rounds.append([send(graph).status_code for _ in range(20)])
    assert set(rounds[0]) == {200, 503}
    assert rounds[0] == rounds[1]


@pytest.mark.parametrize(
    ("match", "hit"),
    [
        ({}, True),
        ({"method": "POST"}, True),
        ({"method": "GET"}, False),
        ({"path": f"/v25.0/{PHONE}"}, True),
        ({"path": f"/{PHONE}/mess.*s$"}, True),
        ({"path": "/v26.0"}, False),
        ({"kind": "whatsapp.message"}, True),
        ({"kind": "whatsapp.read"}, False),
        ({"account": PHONE}, True),
        ({"account": IG}, False),
        ({"token": "a-token"}, True),
        ({"token": "another"}, False),
        ({"method": "POST", "account": IG}, False),
    ],
)
def test_a_fault_hits_what_fits_all_of_its_match(graph, simulator, match, hit):
    simulator.fault(action="status", status=503, match=match)
    assert (send(graph).status_code == 503) is hit


def test_of_two_faults_the_first_answers_and_the_second_is_kept(graph, simulator):
    simulator.fault(action="slow", delay_s=0.05)
    simulator.fault(action="error", code=2)
    simulator.fault(action="status", status=502)
    assert [send(graph).status_code for _ in range(3)] == [503, 502, 200]


def test_a_fault_does_not_hit_the_door_of_those_who_test(simulator):
    simulator.fault(action="drop", times=None)
    assert simulator.ledger() == []


def test_faults_for_one_account_leave_others_alone(graph, simulator):
    simulator.fault(action="status", status=500, times=None, match={"account": IG})
    assert post(graph, account="17841400000000001")
    with client_of(simulator, "another-token") as another:
        assert another.get(f"/{IG}/media").status_code == 500
