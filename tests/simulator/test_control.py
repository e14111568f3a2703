import struct

import pytest

from tests.simulator.asking import IG, PHONE, client_of, ok, post, refusal, send
from tests.simulator.server import SimulatorServer


def test_the_ledger_is_told_apart_by_kind_and_account(graph, control):
    post(graph)
    send(graph)
    ledger = ok(control.get("/ledger"))
    assert [effect["kind"] for effect in ledger["effects"]] == [
        "instagram.container",
        "instagram.publish",
        "whatsapp.message",
    ]
    assert [effect["seq"] for effect in ledger["effects"]] == [1, 2, 3]
    assert ledger["requests"] == {
        "total": 3,
        "by_kind": {"instagram.container": 1, "instagram.publish": 1, "whatsapp.message": 1},
        "by_answer": {"200": 3},
    }
    for query, count in (
        ("kind=instagram.publish", 1),
        (f"account={IG}", 2),
        (f"account={PHONE}&kind=whatsapp.message", 1),
        (f"account={PHONE}&kind=instagram.publish", 0),
        ("kind=instagram.publish&kind=whatsapp.message", 2),
    ):
        assert len(ok(control.get(f"/ledger?{query}"))["effects"]) == count


def test_refused_requests_count_as_requests_and_are_no_effects(graph, control):
    refusal(send(graph, to=None))
    refusal(graph.post(f"/{PHONE}/messages", content=b"{"))
    ledger = ok(control.get("/ledger"))
    assert ledger["effects"] == []
    assert ledger["requests"]["by_answer"] == {"400": 2}


def test_a_reset_forgets_everything_and_repeats_no_id(graph, simulator):
    first = post(graph)
    simulator.fault(action="drop", times=None)
    simulator.reset()
    assert simulator.ledger() == []
    assert simulator.faults() == []
    assert simulator.requests()["total"] == 0
    second = post(graph)
    assert second != first
    assert refusal(graph.get(f"/{first}")) == (100, 33)


def test_ids_are_the_same_in_two_worlds_that_start_alike():
    worlds = [SimulatorServer(), SimulatorServer()]
    ids = []
    for world in worlds:
        with world, client_of(world) as graph:
            ids.append((post(graph), ok(send(graph))["messages"][0]["id"]))
    assert ids[0] == ids[1]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b'"drop"', "body"),
        (b"{}", "faults[0].action"),
        (b'{"action": "explode"}', "faults[0].action"),
        (b'[{"action": "drop"}, {"action": "slow"}]', "faults[1].delay_s"),
        (b'{"action": "slow", "delay_s": -1}', "faults[0].delay_s"),
        (b'{"action": "slow", "delay_s": "1"}', "faults[0].delay_s"),
        (b'{"action": "status", "status": 200}', "faults[0].status"),
        (b'{"action": "status", "status": 500, "wen": "after"}', "faults[0].wen"),
        (b'{"action": "drop", "times": 0}', "faults[0].times"),
        (b'{"action": "drop", "skip": -1}', "faults[0].skip"),
        (b'{"action": "drop", "probability": 1.5}', "faults[0].probability"),
        (b'{"action": "drop", "match": {"kind": "instagram.publsh"}}', "faults[0].match.kind"),
        (b'{"action": "drop", "match": {"pth": "/"}}', "faults[0].match.pth"),
        (b'{"action": "drop", "match": {"path": "("}}', "faults[0].match.path"),
        (
            b'{"action": "status", "status": 429, "headers": {"X-A": "1\\n"}}',
            "faults[0].headers.X-A",
        ),
        (b'{"action": "revoke_token", "subcode": 1}', "faults[0].subcode"),
        (b'{"action": "container_in_progress"}', "faults[0]"),
    ],
)
def test_a_wrong_fault_is_refused_by_the_name_of_its_field(control, simulator, body, field):
    answer = control.post("/faults", content=body)
    assert answer.status_code == 422
    assert [problem["field"] for problem in answer.json()["detail"]] == [field]
    assert simulator.faults() == []


@pytest.mark.parametrize(
    ("path", "body", "known"),
    [
        ("/faults", {"action": "slow", "dely_s": 1, "delay_s": 1}, {"delay_s", "when", "times", "match"}),
        ("/faults", {"action": "drop", "match": {"acount": "1"}}, {"account", "kind", "path", "token"}),
        ("/faults?times=2", {"action": "drop"}, {"none"}),
        ("/setup", {"quota": 1}, {"quota_total", "pair_burst"}),
        ("/webhooks", {"url": "http://127.0.0.1:1", "app_secret": "s", "call": 1}, {"calls", "app_secret"}),
        ("/inbound", {"messages": [], "message": []}, {"messages", "statuses", "comments"}),
        ("/inbound", {"statuses": [{"id": "1", "status": "read", "time": 1}]}, {"at", "recipient"}),
        ("/inbound/comments", {"crowds": [{"media_id": "1", "count": 1, "per": 1}]}, {"per_s", "texts"}),
    ],
)
def test_an_unknown_parameter_is_refused_with_those_that_are_known(control, simulator, path, body, known):
    answer = control.post(path, json=body)
    assert answer.status_code == 422
    (problem,) = answer.json()["detail"]
    said, _, named = problem["problem"].partition("; known are: ")
    assert said == "is not known here"
    assert known <= set(named.split(", "))
    assert simulator.faults() == []


def test_the_ledger_takes_no_misspelt_filter(control):
    answer = control.get("/ledger?kinds=whatsapp.message")
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["field"] == "kinds"


def test_the_guide_tells_the_parameters_of_each_fault(control):
    told = ok(control.get("/"))["parameters of faults"]
    assert told["slow"] == "when?, delay_s"
    assert told["malformed"] == "how?"
    assert {"drop", "insufficient_quota", "delay_comments", "status_failed"} <= set(told)
    assert "times?" in told["of all"]


def test_a_refused_fault_does_not_repeat_its_token(control):
    answer = control.post("/faults", json={"action": "drop", "match": {"token": ["my-secret"]}})
    assert answer.status_code == 422
    assert "my-secret" not in answer.text


def test_a_list_of_faults_is_ordered_whole(control):
    answer = control.post("/faults", json=[{"action": "drop"}, {"action": "lost_answer", "times": None}])
    assert answer.status_code == 201
    assert [fault["id"] for fault in answer.json()["faults"]] == ["fault-1", "fault-2"]
    assert ok(control.get("/faults")) == answer.json()
    assert control.delete("/faults").status_code == 204


def test_a_picture_can_be_posted(graph, simulator, control):
    answer = control.get("/media/demo.jpg")
    assert answer.headers["content-type"] == "image/jpeg"
    picture = answer.content
    frame = picture.index(b"\xff\xc0")
    assert picture.startswith(b"\xff\xd8\xff\xe0\x00\x10JFIF")
    assert struct.unpack(">HH", picture[frame + 5 : frame + 9]) == (640, 640)
    scan = picture[picture.index(b"\xff\xda") + 14 : -2]
    assert b"\xff" not in scan.replace(b"\xff\x00", b"")
    assert picture.endswith(b"\xff\xd9")
    assert control.get("/media/other.jpg").content != picture
    post(graph, image_url=f"{simulator.url}/_sim/media/demo.jpg")


def test_a_picture_is_as_large_as_it_is_asked_for(control):
    picture = control.get("/media/demo.jpg?width=1081&height=1350").content
    frame = picture.index(b"\xff\xc0")
    assert struct.unpack(">HH", picture[frame + 5 : frame + 9]) == (1350, 1081)
    for query in ("width=0", "height=4001", "width=wide"):
        assert control.get(f"/media/demo.jpg?{query}").status_code == 422


def test_a_film_can_be_posted(graph, simulator, control):
    answer = control.get("/media/demo.mp4?width=720&height=1280&seconds=90")
    assert answer.headers["content-type"] == "video/mp4"
    film = answer.content
    kinds, at = [], 0
    while at < len(film):
        (length,) = struct.unpack(">I", film[at : at + 4])
        kinds.append(film[at + 4 : at + 8])
        at += length
    assert (kinds, at) == ([b"ftyp", b"moov", b"mdat"], len(film))
    movie = film.index(b"mvhd") + 16
    assert struct.unpack(">II", film[movie : movie + 8]) == (1_000, 90_000)
    track = film.index(b"tkhd") + 80
    assert struct.unpack(">II", film[track : track + 8]) == (720 << 16, 1280 << 16)
    (sample,) = struct.unpack(">I", film[film.index(b"stco") + 12 :][:4])
    assert sample == film.index(b"mdat") + 4
    assert control.get("/media/other.mp4").content != film
    post(graph, image_url=None, media_type="REELS", video_url=f"{simulator.url}/_sim/media/demo.mp4")


@pytest.mark.parametrize("name", ["demo.jpg", "demo.mp4"])
def test_media_tell_their_size_without_being_fetched(control, name):
    whole, head = control.get(f"/media/{name}"), control.head(f"/media/{name}")
    assert (head.status_code, head.content) == (200, b"")
    for header in ("content-type", "content-length"):
        assert head.headers[header] == whole.headers[header]


def test_somebody_who_looks_in_is_told_what_there_is(control):
    assert "GET /_sim/ledger?kind=&account=" in ok(control.get("/"))["control"]
    assert ok(control.get("/health")) == {"status": "ok"}
    for wrong in (control.get("/nonsense"), control.get("/reset")):
        assert wrong.status_code == 404
        assert "GET /_sim/" in wrong.text
