"""Keys, faults and the ledger's bounds: what all calls to models have in common."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from time import monotonic

import httpx
import openai
import pytest

from socialsync.simulator.kinds import Kind
from socialsync.simulator.openai import memory
from socialsync.simulator.world.ledger import Ledger
from tests.simulator.asking import client_of, send
from tests.simulator.openai_asking import (
    ANSWER,
    CHAT,
    EMBEDDING,
    asked,
    bare_of,
    formed,
    library_of,
    refused,
    said,
)

HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def models(simulator) -> Iterator[openai.OpenAI]:
    with library_of(simulator) as client:
        yield client


@pytest.fixture
def bare(simulator) -> Iterator[httpx.Client]:
    with bare_of(simulator) as client:
        yield client


def test_a_key_is_wanted_and_a_revoked_one_refused(simulator):
    with bare_of(simulator, "") as nobody:
        assert refused(nobody.get("/models")) == (401, None, None)
    with bare_of(simulator, "revoked-key") as revoked:
        answer = revoked.post("/embeddings", json={"model": EMBEDDING, "input": "x"})
        assert refused(answer) == (401, "invalid_api_key", None)
        assert "revoked-key" not in answer.text
    assert simulator.ledger() == []


def test_the_models_are_listed(models):
    names = [model.id for model in models.models.list()]
    assert {CHAT, EMBEDDING, "omni-moderation-latest"} <= set(names)
    assert models.models.retrieve(CHAT).owned_by == "system"
    with pytest.raises(openai.NotFoundError):
        models.models.retrieve("gpt-0")


def test_other_paths_and_methods_are_refused_in_openais_shape(bare):
    assert refused(bare.post("/completions", json={}))[0] == 404
    assert refused(bare.get("/embeddings"))[0] == 405
    assert refused(bare.post("/chat/completions", content=b"{"))[0] == 400


def test_every_answer_has_its_request_id(bare):
    ids = {bare.get("/models").headers["x-request-id"] for _ in range(2)}
    assert len(ids) == 2


def test_a_limit_says_when_to_come_back(models, simulator):
    simulator.fault(action="retry_after", retry_after_s=7, match={"kind": "openai_chat"})
    models.embeddings.create(model=EMBEDDING, input="not this one")
    with pytest.raises(openai.RateLimitError) as limited:
        said(models, HELLO)
    assert limited.value.response.headers["Retry-After"] == "7"
    assert limited.value.code == "rate_limit_exceeded"
    assert said(models, HELLO)


def test_an_account_without_money_is_told_so(models, simulator):
    simulator.fault(action="insufficient_quota", match={"kind": "openai_embedding"})
    with pytest.raises(openai.RateLimitError) as unpaid:
        models.embeddings.create(model=EMBEDDING, input="x")
    assert unpaid.value.code == "insufficient_quota"
    assert "Retry-After" not in unpaid.value.response.headers


@pytest.mark.parametrize(
    ("status", "type_"), [(500, "server_error"), (503, "server_error"), (429, "requests")]
)
def test_a_status_comes_in_openais_shape(bare, simulator, status, type_):
    simulator.fault(action="status", status=status, match={"path": "/v1/"})
    answer = bare.post("/moderations", json={"input": "x"})
    assert refused(answer)[0] == status
    assert answer.json()["error"]["type"] == type_
    assert simulator.ledger() == []


def test_a_lost_answer_was_paid_for(models, simulator):
    simulator.fault(action="lost_answer", match={"kind": "openai_embedding"})
    with pytest.raises(openai.APIConnectionError):
        models.embeddings.create(model=EMBEDDING, input="x")
    (effect,) = simulator.ledger(kind="openai_embedding")
    assert effect["answer_lost"] is True
    assert simulator.requests()["by_answer"]["none"] == 1


def test_a_dropped_call_was_not_made(models, simulator):
    simulator.fault(action="drop")
    with pytest.raises(openai.APIConnectionError):
        said(models, HELLO)
    assert simulator.ledger() == []


def test_a_slow_model_is_slow(models, simulator):
    simulator.fault(action="slow", delay_s=0.1, match={"kind": "openai_chat"})
    started = monotonic()
    said(models, HELLO)
    assert monotonic() - started >= 0.1


def test_a_malformed_answer_has_the_shape_and_half_the_content(models, simulator):
    for kind in ("openai_chat", "openai_embedding", "openai_moderation"):
        simulator.fault(action="malformed", match={"kind": kind})
    with pytest.raises(json.JSONDecodeError):
        formed(models, asked("When are you open?"), ANSWER)
    with pytest.raises(ValueError, match="No embedding data"):
        models.embeddings.create(model=EMBEDDING, input="x")
    assert models.moderations.create(input="x").results == []
    assert len(simulator.ledger()) == 3


def test_a_body_may_end_half_way(bare, models, simulator):
    simulator.fault(action="malformed", how="body", times=2)
    answer = bare.post("/chat/completions", json={"model": CHAT, "messages": HELLO})
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    with pytest.raises(json.JSONDecodeError):
        said(models, asked("When are you open?"))
    simulator.fault(action="malformed", how="body")
    stream = models.chat.completions.create(model=CHAT, messages=asked("When are you open?"), stream=True)
    assert [chunk.choices[0].finish_reason for chunk in stream][-1] is None


def test_faults_of_models_leave_meta_alone(models, simulator):
    simulator.fault(action="insufficient_quota")
    simulator.fault(action="malformed")
    with client_of(simulator) as graph:
        assert send(graph).status_code == 200
    with pytest.raises(openai.RateLimitError):
        said(models, HELLO)


def test_requests_are_counted_by_kind(models, simulator):
    said(models, HELLO)
    models.models.list()
    assert simulator.requests()["by_kind"] == {"openai_chat": 1, "openai_models": 1}


def test_the_ledger_forgets_the_oldest_calls_but_nothing_that_meta_saw(monkeypatch):
    monkeypatch.setattr(memory, "MOST_CALLS", 3)
    monkeypatch.setattr(memory, "MOST_CHARACTERS", 25)
    ledger = Ledger(lambda: datetime.now(UTC))
    ledger.record(Kind.WHATSAPP_MESSAGE, "1", "wamid", {"text": "x" * 100})
    for number in range(6):
        ledger.record(Kind.OPENAI_CHAT, "org", str(number), {"messages": [{"content": "x" * 10}]})
    memory.forget(ledger)
    assert [effect.id for effect in ledger.effects] == ["wamid", "4", "5"]
    ledger.record(Kind.OPENAI_CHAT, "org", "6", {})
    assert [effect.seq for effect in ledger.effects] == [1, 6, 7, 8]
