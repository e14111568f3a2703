"""Connection strings in the application's role."""

import pytest
from psycopg.conninfo import conninfo_to_dict

from socialsync.db.urls import Urls, as_app, resolve
from tests.conftest import settings_for


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:secret@host:5432/db",
        "postgresql://me@one:5432,two:5433/db?target_session_attrs=read-write",
        "postgresql://me@/db?host=%2Fa%20folder",
        "postgresql:///db",
        "postgresql://host/db?user=me&password=a+b&sslmode=disable",
        "host=one,two dbname=db user=me",
    ],
)
def test_the_role_is_taken_when_connecting_and_the_rest_stays(url):
    before, after = conninfo_to_dict(url), conninfo_to_dict(as_app(url))
    assert after.pop("options") == "-c role=socialsync_app"
    assert after == before


def test_options_of_the_url_stay():
    found = conninfo_to_dict(as_app("postgresql://me@host/db?options=-c%20search_path%3Dx"))
    assert found["options"] == "-c search_path=x -c role=socialsync_app"


def test_connection_strings_do_not_show_in_a_representation():
    urls = Urls(app="postgresql://me:secret@host/db", direct="", owner="")
    assert "secret" not in repr(urls)


def test_a_direct_url_means_that_the_other_goes_through_a_pooler(tmp_path):
    plain = Urls(app="postgresql://me@pool/db", direct="", owner="")
    settings = settings_for(plain, tmp_path, "http://127.0.0.1:1")
    assert resolve(settings).pooled is False
    pooled = resolve(
        settings.model_copy(
            update={"database_direct_url": settings.database_url.__class__("postgresql://me@direct/db")}
        )
    )
    assert pooled.pooled
    assert "options" not in pooled.app
    assert "direct" in pooled.direct
    assert "direct" in pooled.owner
