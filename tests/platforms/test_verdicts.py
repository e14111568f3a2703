"""Every documented error body gets its verdict, and the special goes before the general."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialsync.errors import Failed, Permanent, Temporary, UnknownOutcome
from socialsync.platforms import errors, faults, verdicts
from socialsync.platforms.contract import Reach

PAYLOADS = Path(__file__).parent.parent / "payloads" / "graph_errors"
READ, HARMLESS, EFFECT = Reach.READ, Reach.HARMLESS, Reach.EFFECT

# file: what it means when nothing visible was asked for, and when it was
EXPECTED: dict[str, tuple[type[Failed], type[Failed]]] = {
    "-2_2207003_download_timeout": (errors.MediaUnreachable, errors.MediaUnreachable),
    "100_33_object_missing": (errors.PermissionMissing, errors.PermissionMissing),
    "100_2534025_private_reply": (errors.PrivateReplyRefused, errors.PrivateReplyRefused),
    "10_2534022_window": (errors.WindowClosed, errors.WindowClosed),
    "130429_throughput": (errors.ThroughputReached, errors.ThroughputReached),
    "131016_unavailable": (errors.PlatformUnavailable, errors.PlatformFaulted),
    "131026_undeliverable": (errors.RecipientUnreachable, errors.RecipientUnreachable),
    "131047_reengagement": (errors.WindowClosed, errors.WindowClosed),
    "131056_pair_rate": (errors.PairRateLimited, errors.PairRateLimited),
    "190_460_password_changed": (errors.TokenRevoked, errors.TokenRevoked),
    "190_463_expired": (errors.TokenRevoked, errors.TokenRevoked),
    "190_checkpoint": (errors.TokenRevoked, errors.TokenRevoked),
    "1_unknown": (errors.PlatformUnavailable, errors.PlatformFaulted),
    "200_2534066_recipient": (errors.RecipientUnreachable, errors.RecipientUnreachable),
    "2_service": (errors.PlatformUnavailable, errors.PlatformFaulted),
    "32_page_rate": (errors.RateLimited, errors.RateLimited),
    "36003_2207009_aspect_ratio": (errors.ContentRefused, errors.ContentRefused),
    "368_policy": (errors.SenderBlocked, errors.SenderBlocked),
    "4_2207051_action_blocked": (errors.ActionBlocked, errors.ActionBlocked),
    "4_app_rate": (errors.RateLimited, errors.RateLimited),
    "551_unreachable": (errors.RecipientUnreachable, errors.RecipientUnreachable),
    "80001_buc_page": (errors.RateLimited, errors.RateLimited),
    "80002_buc_instagram": (errors.RateLimited, errors.RateLimited),
    "9004_2207052_fetch_failed": (errors.MediaUnreachable, errors.MediaUnreachable),
    "9007_2207027_not_ready": (errors.MediaNotReady, errors.MediaNotReady),
    "9_2207042_daily_limit": (errors.QuotaSpent, errors.QuotaSpent),
}


def payload(name: str) -> dict[str, Any]:
    return json.loads((PAYLOADS / f"{name}.json").read_text())


def verdict(
    reach: Reach, code: Any = None, subcode: Any = None, status: int | None = 400, **more: Any
) -> Failed:
    error = {"code": code, "error_subcode": subcode, **more}
    return faults.from_graph(
        {key: value for key, value in error.items() if value is not None}, reach, status=status
    )


def test_every_captured_body_has_a_verdict_here():
    assert {path.stem for path in PAYLOADS.glob("*.json")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize("status", [None, 200, 400, 401, 403, 500, 503])
def test_a_captured_body_decides_whatever_its_status(name: str, status: int | None):
    error = payload(name)["body"]["error"]
    harmless, effect = EXPECTED[name]
    for reach, state in ((HARMLESS, harmless), (EFFECT, effect)):
        failure = faults.from_graph(error, reach, status=status)
        assert type(failure) is state
        assert (failure.said.code, failure.said.subcode) == (error["code"], error.get("error_subcode"))
        assert failure.said.fbtrace_id == error["fbtrace_id"]
        assert failure.fix


def test_an_object_missing_on_a_read_is_read_again_later():
    failure = faults.from_graph(payload("100_33_object_missing")["body"]["error"], READ, status=400)
    assert type(failure) is errors.ObjectNotVisible
    assert failure.retry_after == timedelta(minutes=1)


@pytest.mark.parametrize(
    ("code", "subcode", "special", "general"),
    [
        (10, 2534022, errors.WindowClosed, errors.PermissionMissing),
        (10, 2018278, errors.WindowClosed, errors.PermissionMissing),
        (200, 2534066, errors.RecipientUnreachable, errors.PermissionMissing),
        (4, 2207051, errors.ActionBlocked, errors.RateLimited),
        (9, 2207042, errors.QuotaSpent, errors.RateLimited),
        (10, 2018065, errors.WindowClosed, errors.PermissionMissing),
        (200, 1545041, errors.RecipientUnreachable, errors.PermissionMissing),
        (100, 2207028, errors.ContentRefused, errors.RequestRefused),
        (100, 2534025, errors.PrivateReplyRefused, errors.RequestRefused),
    ],
)
def test_the_subcode_goes_before_its_code(
    code: int, subcode: int, special: type[Failed], general: type[Failed]
):
    assert type(verdict(EFFECT, code, subcode)) is special
    assert type(verdict(EFFECT, code)) is general
    assert type(verdict(EFFECT, code, 999)) is general


TEMPORARY = [4, 9, 17, 32, 341, 613, *range(80000, 80015), 130429, 131056, 133016, 131057]
AMBIGUOUS = [1, 2, 131000, 131016, -1]
BLOCKING = [131048, 131064, 368, 131031, 131037, 130497, 131042, 131045, 133010, 25]
FOR_THIS_MESSAGE = [
    *(131026, 131047, 131049, 131050, 131051, 131052, 131053, 131008, 131009),
    *(132000, 132001, 132999, 130403, 130472, 131021, 131030, 131062, 506, 551),
]
PERMISSION = [3, 10, 200, 230, 299, 131005]


@pytest.mark.parametrize("reach", Reach)
def test_codes_have_their_kinds(reach: Reach):
    for code in TEMPORARY:
        assert isinstance(verdict(reach, code), Temporary), code
    for code in AMBIGUOUS:
        assert isinstance(verdict(reach, code), UnknownOutcome if reach is EFFECT else Temporary), code
    for code in BLOCKING:
        assert type(verdict(reach, code)) is errors.SenderBlocked, code
    for code in PERMISSION:
        assert type(verdict(reach, code)) is errors.PermissionMissing, code
    for code in FOR_THIS_MESSAGE:
        failure = verdict(reach, code)
        assert isinstance(failure, Permanent), code
        assert not isinstance(failure, errors.SenderBlocked | errors.TokenRevoked), code


def test_a_limit_of_ones_own_is_a_limit_whatever_its_subcode():
    for reach in Reach:
        assert type(verdict(reach, 613, 1996)) is errors.RateLimited


@pytest.mark.parametrize(
    ("code", "subcode", "advice"),
    [
        (352, 2207026, "MP4 or MOV"),
        (36001, 2207005, "JPEG"),
        (36004, 2207010, "2,200 characters"),
        (100, 2207028, "2 to 10"),
        (100, 2207040, "20 mentions"),
    ],
)
def test_a_refusal_of_content_tells_what_would_be_taken(code: int, subcode: int, advice: str):
    assert advice in str(verdict(HARMLESS, code, subcode).fix)


@pytest.mark.parametrize("subcode", [None, 458, 459, 460, 463, 464, 467])
def test_a_dead_token_says_why(subcode: int | None):
    for code in (102, 190):
        assert type(verdict(READ, code, subcode, 401)) is errors.TokenRevoked


def test_only_102_and_190_are_the_token():
    dead = [row.codes for row in verdicts.TABLE if row.verdict.state is errors.TokenRevoked]
    assert dead
    assert all(codes == {102, 190} for codes in dead)
    assert type(verdict(READ, 0, status=401)) is errors.RequestRefused


@pytest.mark.parametrize(
    ("code", "subcode", "state"),
    [
        (-2, 2207020, errors.ContainerLost),
        (24, 2207008, errors.ContainerMissing),
        (None, 2207032, errors.ContainerLost),
        (None, 2207053, errors.ContainerLost),
        (None, 2207077, errors.ContainerLost),
        (25, 2207050, errors.SenderBlocked),
        (36000, 2207004, errors.ContentRefused),
        (36001, 2207005, errors.ContentRefused),
        (352, 2207026, errors.ContentRefused),
        (36004, 2207010, errors.ContentRefused),
        (100, 2207040, errors.ContentRefused),
        (None, 2207057, errors.ContentRefused),
        (None, 2207023, errors.ContentRefused),
        (None, 2207035, errors.ContentRefused),
        (None, 2207037, errors.ContentRefused),
        (None, 2207081, errors.ContentRefused),
        (None, 2207082, errors.ContentRefused),
        (None, 2207085, errors.ContentRefused),
    ],
)
def test_publishing_errors_are_the_same_at_every_step(code: int | None, subcode: int, state: type[Failed]):
    for reach in Reach:
        assert type(verdict(reach, code, subcode)) is state


def test_a_server_error_while_publishing_is_not_a_refusal():
    assert type(verdict(HARMLESS, -1, 2207001)) is errors.PlatformUnavailable
    assert type(verdict(EFFECT, -1, 2207001)) is errors.PlatformFaulted


def test_an_unlisted_error_falls_back_on_what_the_answer_says_about_itself():
    for reach, fault in ((READ, errors.PlatformUnavailable), (EFFECT, errors.PlatformFaulted)):
        assert type(verdict(reach, 987654, is_transient=True)) is fault
        assert type(verdict(reach, 987654, status=500)) is fault
        assert type(verdict(reach, 987654, status=200)) is fault
        assert type(verdict(reach, 987654, status=400)) is errors.RequestRefused
        assert type(verdict(reach, 987654, status=429)) is errors.RateLimited
        assert type(verdict(reach, None, status=401)) is errors.RequestRefused


def test_an_error_in_a_status_webhook_leaves_no_doubt():
    error = {"code": 131000, "title": "Something went wrong", "error_data": {"details": "Try again"}}
    failure = faults.from_graph(error, HARMLESS)
    assert type(failure) is errors.PlatformUnavailable
    assert "Try again" in failure.message


def test_what_meta_writes_for_people_is_passed_on():
    assert "The media could not be fetched from this URI" in str(
        faults.from_graph(payload("9004_2207052_fetch_failed")["body"]["error"], HARMLESS)
    )
    assert "more than 24 hours have passed" in str(
        faults.from_graph(payload("131047_reengagement")["body"]["error"], EFFECT)
    )


THEIRS = (timedelta(seconds=5), timedelta(hours=3))


def test_the_wait_is_theirs_where_they_name_one():
    error = payload("9_2207042_daily_limit")["body"]["error"]
    waits = [faults.from_graph(error, EFFECT, wait=wait).retry_after for wait in (None, *THEIRS)]
    assert waits == [timedelta(hours=1), *THEIRS]


@pytest.mark.parametrize(
    ("detail", "state"),
    [
        ("Error: Media upload has failed with error code 2207026", errors.ContentRefused),
        ("Error: Media upload has failed with error code 2207053", errors.ContainerLost),
        ("Error: 2207003", errors.ContainerLost),
        ("Error: something", errors.ContainerLost),
        (None, errors.ContainerLost),
    ],
)
def test_a_failed_container_says_whether_a_new_one_may_succeed(detail: str | None, state: type[Failed]):
    assert type(faults.from_container(detail)) is state


def test_no_row_hides_behind_a_more_general_one():
    rows = verdicts.TABLE
    for later, row in enumerate(rows):
        for earlier in rows[:later]:
            if earlier.subcodes is None or row.subcodes == earlier.subcodes:
                common = [code for code in (row.codes or range(-5, 200_000)) if code in (earlier.codes or ())]
                assert not common, (earlier, row)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(
    error=st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            ("code", "error_subcode", "message", "error_data", "fbtrace_id", "is_transient", "title"),
            json_values,
        ),
    ),
    reach=st.sampled_from(Reach),
)
def test_any_error_body_gets_some_verdict(error: dict[str, Any], reach: Reach):
    failure = faults.from_graph(error, reach, status=400)
    assert isinstance(failure, Failed)
    assert len(failure.message) < 500
