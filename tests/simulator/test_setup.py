"""How the world behaves while no fault says otherwise."""

import pytest

from tests.simulator.asking import IG, ok, post, prepare, publish, refusal, send, status_of


def test_what_is_set_up_lasts_until_the_reset(graph, control, simulator):
    before = ok(control.get("/setup"))
    assert (before["quota_total"], before["throughput_per_s"], before["pair_burst"]) == (100, 80, 45)
    changed = ok(control.post("/setup", json={"quota_total": 1, "statuses": ["sent"]}))
    assert changed == {**before, "quota_total": 1, "statuses": ["sent"]}
    post(graph)
    assert refusal(publish(graph, prepare(graph))) == (9, 2207042)
    limit = ok(graph.get(f"/{IG}/content_publishing_limit?fields=config,quota_usage"))["data"][0]
    assert (limit["config"]["quota_total"], limit["quota_usage"]) == (1, 1)
    simulator.reset()
    assert ok(control.get("/setup")) == before


def test_videos_take_longer_than_pictures(graph, simulator):
    simulator.set_up(video_processing_s=600)
    film = "https://example.org/a.mp4"
    assert status_of(graph, prepare(graph)) == "FINISHED"
    reel = prepare(graph, image_url=None, media_type="REELS", video_url=film)
    assert status_of(graph, reel) == "IN_PROGRESS"
    assert refusal(publish(graph, reel)) == (9007, 2207027)
    simulator.set_up(video_processing_s=0, processing_reads=1)
    assert status_of(graph, prepare(graph)) == "IN_PROGRESS"


def test_who_has_opted_out_gets_nothing(graph, simulator):
    simulator.set_up(opted_out=["+33 6 12 34 56 78", "US.13491208655302741918"])
    assert refusal(send(graph)) == (131050, None)
    assert refusal(send(graph, to=None, recipient="US.13491208655302741918")) == (131050, None)
    ok(send(graph, to="+33698765432"))
    assert [effect["to"] for effect in simulator.ledger()] == ["+33698765432"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"quota": 1}, "quota"),
        ({"quota_total": -1}, "quota_total"),
        ({"statuses": ["sent", "lost"]}, "statuses[1]"),
        ({"opted_out": "+33612345678"}, "opted_out"),
        ({"callback": "http://127.0.0.1"}, "callback"),
    ],
)
def test_a_setup_that_makes_no_sense_is_refused(control, change, field):
    answer = control.post("/setup", json=change)
    assert answer.status_code == 422
    assert [problem["field"] for problem in answer.json()["detail"]] == [field]
