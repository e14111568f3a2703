"""An id and a line for each request, and headers."""

import pytest
import structlog
from starlette.responses import HTMLResponse, StreamingResponse

from socialsync import errors
from tests.api.small import post, raising, small_app


async def fine():
    return {}


async def html():
    return HTMLResponse("<p>hello</p>")


async def halfway():
    async def parts():
        yield b"half"
        raise ZeroDivisionError

    return StreamingResponse(parts())


APP = small_app(fine=fine, html=html, halfway=halfway, broken=raising(ZeroDivisionError()))


@pytest.fixture
def lines():
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        yield lines


async def test_a_line_has_method_path_status_and_duration_but_no_query(lines):
    answer = await post(APP, "/fine?hub.verify_token=secret&access_token=secret")
    [line] = lines
    assert (line["event"], line["method"], line["path"], line["status"]) == ("request", "POST", "/fine", 200)
    assert line["ms"] >= 0
    assert line["request_id"] == answer.headers["x-request-id"]
    assert "secret" not in str(lines)


async def test_a_path_cannot_forge_lines(lines):
    await post(APP, "/a%0Ab%1B[31m")
    assert lines[0]["path"] == "/a%0Ab%1B%5B31m"


async def test_a_callers_request_id_is_kept():
    answer = await post(APP, "/fine", headers={"X-Request-Id": "trace-1.2_3"})
    assert answer.headers["x-request-id"] == "trace-1.2_3"


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "a;b", "é"])
async def test_an_odd_request_id_is_replaced(given):
    answer = await post(APP, "/fine", headers={"X-Request-Id": given.encode()})
    assert answer.headers["x-request-id"] not in {given, ""}


async def test_two_requests_have_two_ids(lines):
    await post(APP, "/fine")
    await post(APP, "/fine")
    assert len({line["request_id"] for line in lines}) == 2


async def test_a_fault_is_logged_with_its_traceback_and_answered(lines):
    answer = await post(APP, "/broken")
    failed, request = lines
    assert answer.status_code == 500
    assert (failed["event"], failed["exc_info"], failed["path"]) == ("request failed", True, "/broken")
    assert (request["event"], request["status"]) == ("request", 500)


async def test_an_answer_that_has_begun_is_cut_off(lines):
    answer = await post(APP, "/halfway")
    assert answer.status_code == 200
    assert [line["event"] for line in lines] == ["request failed", "request"]


async def test_a_refusal_is_no_fault(lines):
    await post(small_app(it=raising(errors.Conflict("no"))), "/it")
    assert [line["event"] for line in lines] == ["request"]


async def test_html_may_load_nothing_from_elsewhere():
    answer = await post(APP, "/html")
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["x-frame-options"] == "DENY"


async def test_answers_are_neither_sniffed_nor_kept():
    answer = await post(APP, "/fine")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert "content-security-policy" not in answer.headers
