"""From a Graph error, wherever it came from, to the state a caller acts on."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from socialsync.errors import Temporary
from socialsync.platforms import verdicts
from socialsync.platforms.contract import Reach
from socialsync.platforms.errors import PlatformError, Said
from socialsync.platforms.verdicts import Verdict

_DETAIL_LIMIT = 300
_PUBLISHING_SUBCODE = re.compile(r"\b22\d{5}\b")
_TOKEN = re.compile(
    r"\b(?:EAA|IGAA|IGQ)[\w-]{8,}|(?<=access token )(?=\S*\d)\S{12,}", re.IGNORECASE | re.ASCII
)
_TOO_EARLY_OR_MANY = frozenset({408, 425, 429})


def from_graph(
    error: Mapping[str, Any],
    reach: Reach,
    *,
    status: int | None = None,
    wait: timedelta | None = None,
    secret: str | None = None,
) -> PlatformError:
    """What a Graph error object means, decided by code and subcode; the status only where they say nothing.

    Args:
        error: the ``error`` object of an answer, or one of the ``errors`` of a status webhook.
        reach: of the call. A webhook that says a message failed leaves no doubt: HARMLESS.
        status: of the HTTP answer; None for a webhook.
        wait: how long the answer asks to wait.
        secret: what must not be quoted, should the platform repeat it.
    """
    said = Said(
        status=status,
        code=_integer(error.get("code")),
        subcode=_integer(error.get("error_subcode")),
        fbtrace_id=_text(error.get("fbtrace_id"), secret),
        detail=_detail(error, secret),
    )
    verdict = _listed(said, reach) or _unlisted(status, reach, transient=error.get("is_transient") is True)
    return raised(verdict, said, wait)


def from_container(detail: str | None) -> PlatformError:
    """Why a container failed, from its status text, which carries a publishing subcode at best.

    Nothing of a container is ever visible, so an unknown reason is worth a new one.
    """
    found = _PUBLISHING_SUBCODE.search(detail or "")
    said = Said(subcode=int(found.group()) if found else None, detail=_text(detail, None))
    failure = raised(_listed(said, Reach.HARMLESS) or verdicts.CONTAINER_FAILED, said)
    return raised(verdicts.CONTAINER_FAILED, said) if isinstance(failure, Temporary) else failure


def from_status(status: int, reach: Reach, wait: timedelta | None = None) -> PlatformError:
    """What a refusal without a Graph error means: something before Graph answered, or Graph broke."""
    verdict = _unlisted(status, reach)
    if verdict is verdicts.REQUEST_REFUSED:
        verdict = verdicts.NOT_GRAPH
    return raised(verdict, Said(status=status), wait)


def raised(verdict: Verdict, said: Said, wait: timedelta | None = None) -> PlatformError:
    """The verdict as an error, with what the platform said, and the wait that it asks for, if it does."""
    message = f"{verdict.happened}. Meta: {said.detail}" if said.detail else verdict.happened
    failure = verdict.state(message, fix=verdict.do)
    if isinstance(failure, Temporary):
        failure.retry_after = wait or verdict.wait
    failure.said = said
    return failure


def _listed(said: Said, reach: Reach) -> Verdict | None:
    for row in verdicts.TABLE:
        if (row.codes is None or said.code in row.codes) and (
            row.subcodes is None or said.subcode in row.subcodes
        ):
            return {Reach.READ: row.on_read, Reach.EFFECT: row.on_effect}.get(reach) or row.verdict
    return None


def _unlisted(status: int | None, reach: Reach, *, transient: bool = False) -> Verdict:
    if status in _TOO_EARLY_OR_MANY:
        return verdicts.RATE_LIMITED if status == 429 else verdicts.UNAVAILABLE  # noqa: PLR2004 - HTTP's number
    # A 2xx that carries an error contradicts itself, so it proves nothing either
    if transient or (status is not None and (status < 300 or status >= 500)):  # noqa: PLR2004 - HTTP's classes
        return verdicts.FAULTED if reach is Reach.EFFECT else verdicts.UNAVAILABLE
    return verdicts.REQUEST_REFUSED


def _detail(error: Mapping[str, Any], secret: str | None) -> str | None:
    """The sentence that is written for people, if there is one, else the developers'."""
    data = error.get("error_data")
    details = data.get("details") if isinstance(data, Mapping) else None
    candidates = (
        error.get("error_user_msg"),
        details,
        error.get("error_user_title"),
        error.get("message"),
        error.get("title"),
    )
    return next((text for each in candidates if (text := _text(each, secret))), None)


def _text(value: object, secret: str | None) -> str | None:
    """One printable line of bounded length. Meta repeats malformed tokens in its messages."""
    if not isinstance(value, str):
        return None
    known = value.replace(secret, "***") if secret else value
    line = _TOKEN.sub("***", "".join(filter(str.isprintable, " ".join(known.split()))))
    return line if len(line) <= _DETAIL_LIMIT else f"{line[: _DETAIL_LIMIT - 1]}…"


def _integer(value: object) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,12}", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
