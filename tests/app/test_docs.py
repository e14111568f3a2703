"""The documentation: complete, and without the network."""

import json
import re

import pytest

from socialsync.app.docs import STATIC
from socialsync.app.openapi import TAGS

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture
def described(app):
    return app.openapi()


@pytest.fixture
def operations(described):
    return {
        f"{method.upper()} {path}": operation
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    }


async def test_the_page_loads_only_what_we_serve(stranger):
    page = await stranger.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src" not in page.headers["content-security-policy"]
    assert "unsafe-inline" not in page.headers["content-security-policy"].replace(
        "style-src 'self' 'unsafe-inline'", ""
    )
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(addresses) == 4
    for address in addresses:
        assert "//" not in address
        answer = await stranger.get(f"/{address}")
        assert answer.status_code == 200, address
        assert "json" not in answer.headers["content-type"]


async def test_what_the_page_is_described_by_is_served(stranger, described):
    assert (await stranger.get("/openapi.json")).json() == described


def test_the_page_asks_nobody_else():
    assert "validatorUrl: null" in (STATIC / "docs.js").read_text()
    assert not re.search(r"https?:", (STATIC / "docs.html").read_text() + (STATIC / "docs.js").read_text())


@pytest.mark.parametrize(
    "path", ["/docs/assets/../factory.py", "/docs/assets/%2e%2e/factory.py", "/docs/assets/"]
)
async def test_nothing_but_the_assets_is_served(stranger, path):
    answer = await stranger.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("path", ["/redoc", "/docs/oauth2-redirect"])
async def test_fastapis_own_pages_are_not_served(stranger, path):
    assert (await stranger.get(path)).status_code == 404


def test_every_operation_has_a_summary_and_a_tag_that_is_described(operations):
    tags = {tag["name"] for tag in TAGS}
    assert all(tag["description"] for tag in TAGS)
    for name, operation in operations.items():
        assert operation.get("summary"), name
        assert set(operation["tags"]) <= tags, name


def test_every_operation_has_a_name_of_its_own(operations):
    names = [operation["operationId"] for operation in operations.values()]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z_]+", name) for name in names)


def test_everything_but_health_and_webhooks_wants_a_key(operations):
    for name, operation in operations.items():
        keyless = operation["tags"] in (["health"], ["webhooks"])  # Meta signs
        assert ("security" in operation) != keyless, name


def test_errors_are_described_as_problems(described, operations):
    assert "HTTPValidationError" not in str(described)
    for name, operation in operations.items():
        if "security" in operation:
            assert {"401", "403", "422", "503"} <= set(operation["responses"]), name
        for status, answer in operation["responses"].items():
            if status.startswith("4"):
                [(kind, content)] = answer["content"].items()
                assert kind == "application/problem+json"
                assert content["schema"] == {"$ref": "#/components/schemas/Problem"}


async def test_a_problem_is_as_it_is_described(described, stranger):
    problem = described["components"]["schemas"]["Problem"]
    answer = (await stranger.get("/api/v1/workspace")).json()
    assert set(answer) == set(problem["required"]) == set(problem["properties"])
    [entry] = answer["errors"]
    assert set(entry) == set(problem["properties"]["errors"]["items"]["properties"])


def test_every_answer_has_a_shape(operations):
    for name, operation in operations.items():
        for status in ("200", "201", "202"):
            if answer := operation["responses"].get(status):
                is_text = "/metrics" in name or name.startswith("GET /webhooks")
                kind = "text/plain" if is_text else "application/json"
                if name == "GET /api/v1/media/{media_id}":
                    kind = "application/octet-stream"
                if name.startswith("POST /webhooks"):
                    continue  # an empty 200
                assert answer["content"][kind]["schema"], name


def example_of(described, operation):
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    resolved = described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return resolved["examples"][0]


async def test_trying_it_out_works_at_once(client, described, operations):
    """The example that the page fills in is one that the endpoint takes."""
    created = await client.post(
        "/api/v1/channels", json=example_of(described, operations["POST /api/v1/channels"])
    )
    assert created.status_code == 201
    for name in ("PATCH /api/v1/workspace", "PATCH /api/v1/channels/{channel_id}"):
        method, path = name.replace("{channel_id}", created.json()["id"]).split()
        answer = await client.request(method, path, json=example_of(described, operations[name]))
        assert answer.status_code == 200, answer.text


def test_the_vendored_files_have_their_licence():
    folder = STATIC / "swagger-ui"
    readme = (folder / "README.md").read_text()
    assert "5.35.0" in readme
    assert "Apache License" in readme
    assert (folder / "LICENSE").exists()
    assert (folder / "NOTICE").exists()


def test_every_reference_leads_somewhere(described):
    named = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(described)))
    assert named <= described["components"]["schemas"].keys()
