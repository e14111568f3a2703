from datetime import UTC, datetime, timedelta
from itertools import count

import httpx
import pytest

from socialsync.simulator.graph.instagram import media, profile
from socialsync.simulator.graph.whatsapp import numbers
from tests.simulator.asking import IG, PHONE, client_of, ok, post, prepare, refusal
from tests.simulator.server import SimulatorServer


def test_media_shows_the_fields_that_are_asked_for(graph):
    published = post(graph, caption="Hello")
    assert ok(graph.get(f"/{published}")) == {"id": published}
    shown = ok(graph.get(f"/{published}?fields=caption,permalink,timestamp,media_type,owner"))
    assert shown["caption"] == "Hello"
    assert shown["permalink"].startswith("https://www.instagram.com/p/")
    assert datetime.strptime(shown["timestamp"], "%Y-%m-%dT%H:%M:%S%z").tzinfo is not None
    assert shown["media_type"] == "IMAGE"
    assert shown["owner"] == {"id": IG}


def test_recent_media_come_newest_first_and_page_by_page(graph, simulator):
    published = [post(graph, caption=str(number)) for number in range(5)]
    post(graph, media_type="STORIES")
    post(graph, account="17841400000000001")
    first = ok(graph.get(f"/{IG}/media?fields=id,caption&limit=2"))
    assert [item["caption"] for item in first["data"]] == ["4", "3"]
    post(graph, caption="published in between")
    seen, page = first["data"], first
    while following := page.get("paging", {}).get("next"):
        page = ok(httpx.get(following))  # carries what it needs, the token too
        seen += page["data"]
    assert [item["id"] for item in seen] == published[::-1]
    assert "a-token" not in str(simulator.ledger())


def test_an_account_without_media_has_an_empty_list(graph):
    assert ok(graph.get(f"/{IG}/media")) == {"data": []}


def test_media_are_listed_between_two_times():
    moments = count()
    start = datetime(2026, 3, 4, 12, tzinfo=UTC)
    world = SimulatorServer(now=lambda: start + timedelta(seconds=next(moments)))
    with world, client_of(world) as graph:
        post(graph, caption="old")
        boundary = int((start + timedelta(seconds=next(moments))).timestamp())
        post(graph, caption="new")
        for name, expected in (("since", ["new"]), ("until", ["old"])):
            listed = ok(graph.get(f"/{IG}/media", params={"fields": "caption", name: boundary}))
            assert [item["caption"] for item in listed["data"]] == expected


@pytest.mark.parametrize(
    "path",
    [
        "/17912345678901234?fields=status_code,status",
        "/18012345678901234?fields=id,caption",
        "/18012345678901234",
        "/999?fields=id,permalink",
        "/999?fields=status_code",
        "/no.such.thing",
    ],
)
def test_an_unknown_object_is_100_33(graph, path):
    answer = graph.get(path)
    assert answer.status_code == 400
    assert refusal(answer) == (100, 33)
    assert answer.json()["error"]["type"] == "GraphMethodException"


def test_an_object_without_the_field_says_so(graph):
    container, published = prepare(graph), post(graph)
    for path in (f"/{container}?fields=caption", f"/{published}?fields=status_code", f"/{IG}/media?fields=x"):
        assert refusal(graph.get(path)) == (100, None)


@pytest.mark.parametrize("query", ["limit=0", "limit=many", "limit=-1", "after=123", "offset=1"])
def test_a_list_refuses_what_it_does_not_understand(graph, query):
    post(graph)
    assert refusal(graph.get(f"/{IG}/media?{query}")) == (100, None)


@pytest.mark.parametrize("account", [IG, "my-test_account1", "42"])
def test_any_account_exists(graph, account):
    assert set(ok(graph.get(f"/{account}?fields=id,name"))) == {"id", "name"}
    shown = ok(graph.get(f"/{account}?fields=id,username"))
    assert shown == {"id": account, "username": f"account_{account}"}


def test_a_phone_number_shows_itself(graph):
    shown = ok(graph.get(f"/{PHONE}"))
    assert shown["id"] == PHONE
    assert shown["quality_rating"] == "GREEN"
    assert set(ok(graph.get(f"/{PHONE}?fields=verified_name,display_phone_number"))) == {
        "id",
        "verified_name",
        "display_phone_number",
    }


def test_me_is_the_account_that_the_token_acts_for(graph, simulator):
    before = ok(graph.get("/me?fields=user_id,username"))
    assert before["user_id"].startswith("17841")
    post(graph)
    assert ok(graph.get("/me?fields=user_id"))["user_id"] == IG
    assert len(ok(graph.get("/me/media"))["data"]) == 1
    with client_of(simulator, "another-token") as another:
        assert ok(another.get("/me?fields=user_id"))["user_id"] not in {IG, before["user_id"]}


def test_an_account_that_has_published_is_known_by_its_bare_id(graph):
    post(graph)
    assert ok(graph.get(f"/{IG}")) == {"id": IG}


def test_every_field_that_leads_to_an_object_is_one_it_has(graph):
    published = post(graph)
    for node, fields in ((published, media.FIELDS), (IG, profile.FIELDS), (PHONE, numbers.FIELDS)):
        ok(graph.get(f"/{node}", params={"fields": ",".join(fields)}))


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", f"/{IG}/insights", (2500, None)),
        ("GET", f"/{IG}/media/extra", (2500, None)),
        ("GET", f"/{IG}/media_publish", (100, None)),
        ("DELETE", f"/{IG}", (100, None)),
        ("POST", "/18012345678901234/media", (100, 33)),
    ],
)
def test_what_does_not_exist_is_refused_as_graph_does(graph, method, path, expected):
    assert refusal(graph.request(method, path)) == expected


def test_fields_that_are_no_text_are_refused(graph):
    assert refusal(graph.request("GET", f"/{IG}", json={"fields": ["id"]})) == (100, None)


def test_any_version_is_spoken_and_nothing_else(simulator):
    headers = {"Authorization": "Bearer a-token"}
    for version in ("v19.0", "v25.0", "v126.12"):
        answer = httpx.get(f"{simulator.url}/{version}/{IG}?fields=username", headers=headers)
        assert answer.headers["facebook-api-version"] == version
        ok(answer)
    for version in ("v25", "25.0", "latest"):
        assert httpx.get(f"{simulator.url}/{version}/{IG}", headers=headers).status_code == 404
