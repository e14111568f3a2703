"""Logs as JSON lines for machines or coloured lines for people, with the ids of what they are about.

Secrets never reach a line: values under telling names are masked, and bearer tokens anywhere.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

from socialsync import later

with later.without("rich", "better_exceptions"):  # for tracebacks with local variables, which ours never show
    import structlog

_SECRET_NAME = re.compile(r"token|secret|password|authorization|api_key|credential", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(://[^:/@\s]*:)[^/\s]+@")
_NAMED = r"[\w-]*(?:token(?!s)|secret|passw(?:or)?d|api[_-]?key|appsecret_proof|credential)[\w-]*"
_SECRET_FORMS = (
    re.compile(r"(?i)(\bbearer\s+)[^\s\"'&]+"),
    re.compile(rf"(?i)({_NAMED}=[\"']?)[^\s\"'&,;]+"),  # a parameter, a setting
    re.compile(rf"(?i)([\"']{_NAMED}[\"']\s*:\s*[\"'])[^\"']+"),  # JSON, a dict
    re.compile(
        r"(?i)(\bauthorization:\s*basic\s+|\b(?:x-[\w-]*(?:token|key|secret)|api-key):\s*)[^\s\"',;]+"
    ),
    # OpenAI's, Meta's, our own
    re.compile(r"()\b(?:sk-[\w-]{8,}|EAA[A-Za-z0-9]{12,}|IG(?:AA|QV)[\w-]{12,}|ss_[\w-]{20,})"),
)
_SUSPICIOUS = re.compile(r"(?i)[:=]|bearer|sk-|EAA|IG|ss_")
"""In every text that one of these forms can be found in: most have nothing of it, and lines are many."""
_MASK = "***"

Event = MutableMapping[str, Any]


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return logger


def configure(*, level: str, form: Literal["console", "json"] | None) -> None:
    """Set up logging for the process; libraries' records go through the same lines.

    Args:
        level: ``debug``, ``info``, ``warning`` or ``error``.
        form: how lines look; None chooses ``console`` on a terminal, else ``json``.
    """
    console = form == "console" or (form is None and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        mask_secrets,
    ]
    # A plain traceback, because rich's shows the local variables, tokens among them.
    plain = structlog.dev.plain_traceback
    renderer: list[structlog.typing.Processor] = (
        [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
        if console
        else [structlog.processors.JSONRenderer()]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                mask_secrets,
                *renderer,
            ],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for chatty in (
        "procrastinate",
        "httpx",
        "httpcore",
        "httpx2",
        "openai",
        "alembic.runtime",
        "psycopg.pool",
    ):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
    logging.getLogger("uvicorn").propagate = True
    logging.getLogger(
        "uvicorn.access"
    ).propagate = False  # it writes query strings; api/access.py writes ours
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def begin_context(**values: str) -> None:
    """Add these to every line of the current task from now on, and forget what was there before."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(**values)


def add_to_context(**values: str) -> None:
    """Add these to every line of the current task from now on."""
    structlog.contextvars.bind_contextvars(**values)


def mask_secrets(_logger: Any, _method: str, event: Event) -> Event:
    """A structlog processor: nothing that is secret by its name or its form leaves the process."""
    for name, value in event.items():
        event[name] = _masked(name if name != "event" else "", value)
    return event


def _masked(name: str, value: Any) -> Any:
    if value is not None and _SECRET_NAME.search(name):
        return _MASK
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, dict):
        return {key: _masked(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_masked("", inner) for inner in value]
    return value


def scrub(text: str) -> str:
    """The text without what looks like a secret: by its name (parameters, headers, JSON, DSNs), as the
    password of a URL, or by the form of a key of Meta, OpenAI or ours.
    """
    if not _SUSPICIOUS.search(text):
        return text
    text = _URL_PASSWORD.sub(rf"\1{_MASK}@", text)
    for form in _SECRET_FORMS:
        text = form.sub(rf"\1{_MASK}", text)
    return text
