"""Who may do what, at real endpoints."""

import pytest
from fastapi import FastAPI

from socialsync.api.principal import (
    AnyReader,
    InstallationAdmin,
    InstallationReader,
    Reader,
)
from socialsync.app import create_app
from socialsync.resources import Resources
from tests.conftest import add_key, calling

NOWHERE = "01890a5d-ac96-774b-bcce-b302099a8057"
CHANNEL = {
    "platform": "whatsapp",
    "name": "Front desk",
    "external_id": "106540352242922",
    "access_token": "EAAGm0PX4ZCpsBA",
}


async def test_without_a_key_nothing_is_shown(stranger):
    answer = await stranger.get("/api/v1/workspace")
    assert (answer.status_code, answer.json()["code"]) == (401, "Unauthenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "Authorization: Bearer" in answer.json()["errors"][0]["fix"]


@pytest.mark.parametrize(
    "header",
    [
        "Basic dXNlcjpwYXNz",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer ss_" + "a" * 43,
        "Bearer ss_" + "a" * 5000,
        "Bearer \xff\xfe",
        "ss_" + "a" * 43,
    ],
)
async def test_a_key_that_is_none_of_ours_is_refused_and_not_repeated(stranger, header):
    answer = await stranger.get("/api/v1/workspace", headers={"Authorization": header.encode("latin-1")})
    assert answer.status_code == 401
    assert "aaa" not in answer.text


async def test_a_viewer_may_read(viewer_client):
    assert (await viewer_client.get("/api/v1/workspace")).status_code == 200
    assert (await viewer_client.get("/api/v1/channels")).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "role"),
    [
        ("POST", "/api/v1/channels", "operator"),
        ("PATCH", f"/api/v1/channels/{NOWHERE}", "operator"),
        ("DELETE", f"/api/v1/channels/{NOWHERE}", "operator"),
        ("PATCH", "/api/v1/workspace", "admin"),
    ],
)
async def test_a_viewer_may_not_write_and_is_told_which_role_may(viewer_client, method, path, role):
    answer = await viewer_client.request(method, path, json=CHANNEL if method == "POST" else {})
    assert (answer.status_code, answer.json()["code"]) == (403, "Forbidden")
    assert role in answer.json()["detail"]


async def test_an_operator_works_but_does_not_change_the_workspace(operator_client):
    assert (await operator_client.post("/api/v1/channels", json=CHANNEL)).status_code == 201
    answer = await operator_client.patch("/api/v1/workspace", json={"name": "x"})
    assert answer.status_code == 403
    assert "admin" in answer.json()["detail"]


async def test_an_installation_key_must_name_the_workspace(installation_client):
    answer = await installation_client.get("/api/v1/workspace")
    assert answer.status_code == 403
    assert "workspace's key" in answer.json()["errors"][0]["fix"]
    assert "X-Workspace-Id" in answer.json()["errors"][0]["fix"]


async def test_an_installation_key_acts_in_the_workspace_it_names(installation_client, workspace):
    answer = await installation_client.get("/api/v1/workspace", headers={"X-Workspace-Id": str(workspace.id)})
    assert answer.json()["id"] == str(workspace.id)


async def test_an_installation_key_cannot_name_a_workspace_that_is_not_there(installation_client):
    answer = await installation_client.get("/api/v1/workspace", headers={"X-Workspace-Id": NOWHERE})
    assert answer.status_code == 404


async def test_a_malformed_workspace_id_is_named(installation_client):
    answer = await installation_client.get("/api/v1/workspace", headers={"X-Workspace-Id": "chez-nous"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "X-Workspace-Id"


async def test_a_workspaces_key_cannot_enter_another(client, workspace, other_workspace):
    answer = await client.get("/api/v1/workspace", headers={"X-Workspace-Id": str(other_workspace.id)})
    assert answer.status_code == 403
    own = await client.get("/api/v1/workspace", headers={"X-Workspace-Id": str(workspace.id)})
    assert own.status_code == 200


@pytest.fixture
def app(resources: Resources) -> FastAPI:
    """A door of its own, with endpoints such as those that operations will have."""
    app = create_app(resources)

    @app.get("/test/installation")
    async def installation(caller: InstallationReader) -> str:
        return caller.actor

    @app.get("/test/installation/admin")
    async def installation_admin(caller: InstallationAdmin) -> str:
        return caller.actor

    @app.get("/test/either")
    async def either(caller: AnyReader) -> str:
        return str(caller.workspace_id)

    @app.get("/test/actor")
    async def actor(caller: Reader) -> str:
        return caller.actor

    return app


async def test_a_workspaces_key_does_not_run_the_installation(client, installation_client):
    answer = await client.get("/test/installation")
    assert answer.status_code == 403
    assert "installation key" in answer.json()["errors"][0]["fix"]
    assert (await installation_client.get("/test/installation")).status_code == 200


async def test_installation_keys_have_roles_too(app, database):
    async with calling(app, await add_key(database, None, role="viewer")) as viewer:
        assert (await viewer.get("/test/installation")).status_code == 200
        answer = await viewer.get("/test/installation/admin")
    assert answer.status_code == 403
    assert "admin" in answer.json()["detail"]


async def test_where_either_may_ask_each_asks_for_its_own(client, installation_client, workspace):
    assert (await client.get("/test/either")).json() == str(workspace.id)
    assert (await installation_client.get("/test/either")).json() == "None"
    named = await installation_client.get("/test/either", headers={"X-Workspace-Id": str(workspace.id)})
    assert named.json() == str(workspace.id)


async def test_the_actor_is_the_beginning_of_the_key(client):
    key = client.headers["authorization"].removeprefix("Bearer ")
    actor = (await client.get("/test/actor")).json()
    assert actor == f"key:{key[:9]}"
    assert len(actor) == len("key:ss_") + 6


async def test_a_wrong_role_is_told_before_a_wrong_body(viewer_client):
    assert (await viewer_client.post("/api/v1/channels", json={"nonsense": 1})).status_code == 403
