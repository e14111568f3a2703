import json

import httpx
import pytest

from tests.simulator.asking import IG, PHONE, client_of, message, ok, post, refusal, send


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": ""}, {"Authorization": "Bearer"}, {"Authorization": "Basic eDp5"}]
)
def test_who_has_no_token_is_refused_in_graphs_own_shape(simulator, headers):
    answer = httpx.post(f"{simulator.url}/v25.0/{PHONE}/messages", json=message(), headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'OAuth "Facebook Platform" "invalid_token"'
    error = answer.json()["error"]
    assert error.pop("fbtrace_id").startswith("A")
    assert error == {
        "message": "An access token is required to request this resource.",
        "type": "OAuthException",
        "code": 190,
        "error_subcode": 467,
    }
    assert simulator.ledger() == []


@pytest.mark.parametrize("way", ["params", "data", "json"])
def test_the_token_may_be_a_parameter(simulator, way):
    body = {"image_url": "https://example.org/a.jpg", "access_token": "a-token"}
    ok(httpx.post(f"{simulator.url}/v25.0/{IG}/media", **{way: body}))
    assert "a-token" not in json.dumps(simulator.ledger())


@pytest.mark.parametrize(
    ("token", "subcode"),
    [
        ("revoked", 463),
        ("revoked-token", 463),
        ("revoked-460-x", 460),
        ("revoked_458", 458),
        ("revoked-4601", 463),
    ],
)
def test_a_token_that_begins_with_revoked_is(simulator, token, subcode):
    with client_of(simulator, token) as graph:
        answer = send(graph)
        assert (answer.status_code, refusal(answer)) == (401, (190, subcode))
        assert refusal(graph.get("/me")) == (190, subcode)


def test_a_token_can_be_revoked_alone_and_for_good(graph, simulator):
    ordered = simulator.fault(action="revoke_token", match={"token": "a-token"}, subcode=460)
    assert ordered["times"] is None
    assert "a-token" not in json.dumps(simulator.faults())
    for _ in range(2):
        assert refusal(send(graph)) == (190, 460)
    with client_of(simulator, "another-token") as another:
        ok(send(another))


def test_an_account_can_lose_all_its_tokens(graph, simulator):
    post(graph)
    simulator.fault(action="revoke_token", match={"account": IG})
    assert refusal(graph.get("/me")) == (190, 463)
    assert refusal(graph.get(f"/{IG}/media")) == (190, 463)
    ok(send(graph))


def test_every_answer_tells_how_much_is_used(graph):
    answer = send(graph)
    assert json.loads(answer.headers["X-App-Usage"]) == {"call_count": 1, "total_time": 1, "total_cputime": 1}
    (use_case,) = json.loads(answer.headers["X-Business-Use-Case-Usage"])[PHONE]
    assert use_case["type"] == "whatsapp"
    assert use_case["estimated_time_to_regain_access"] == 0
    assert "X-App-Usage" in send(graph, to=None).headers


@pytest.mark.parametrize("base", ["", "/v25.0"])
def test_a_token_is_refreshed_by_one_that_is_good(graph, simulator, base):
    post(graph)
    address = f"{simulator.url}{base}/refresh_access_token"
    query = {"grant_type": "ig_refresh_token", "access_token": "a-token"}
    fresh = ok(httpx.get(address, params=query))
    assert (fresh["token_type"], fresh["expires_in"]) == ("bearer", 5_184_000)
    (effect,) = simulator.ledger(kind="instagram.token_refresh")
    assert (effect["account"], effect["expires_in"]) == (IG, 5_184_000)
    assert fresh["access_token"] not in json.dumps(simulator.ledger())
    simulator.fault(action="revoke_token", match={"token": "a-token"})
    assert refusal(httpx.get(address, params=query)) == (190, 463)
    with client_of(simulator, fresh["access_token"]) as renewed:
        assert ok(renewed.get("/me?fields=user_id"))["user_id"] == IG
        post(renewed)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"grant_type": "ig_refresh_token"}, (190, 467)),
        ({"grant_type": "ig_refresh_token", "access_token": "revoked-460"}, (190, 460)),
        ({"access_token": "a-token"}, (100, None)),
        ({"grant_type": "ig_exchange_token", "access_token": "a-token"}, (100, None)),
    ],
)
def test_a_token_is_not_refreshed_otherwise(simulator, query, expected):
    assert refusal(httpx.get(f"{simulator.url}/refresh_access_token", params=query)) == expected
    assert simulator.ledger() == []
