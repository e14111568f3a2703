"""The outside world: whether what the settings name can be reached from here. No call has an effect there."""

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx

from socialsync.cli.checks.findings import CONNECT_WITHIN_S, Check, Installation, Verdict, failed, ok, warning
from socialsync.settings import NO_KEY, OPENAI, Settings

_BARE: Mapping[str, str] = {}
_PORTS = {"smtp": 25, "smtps": 465}


def outside(seen: Installation) -> list[Check]:
    """One check for each place."""
    environment = seen.settings
    embeddings = environment.embedding_base_url
    checks = [Check("whatsapp", lambda: _answers(environment.whatsapp_graph, "META_GRAPH_URL"))]
    if environment.instagram_graph != environment.whatsapp_graph:
        graph = environment.instagram_graph
        checks.append(Check("instagram", lambda: _answers(graph, "INSTAGRAM_GRAPH_URL")))
    checks.append(Check("models", lambda: _models(environment)))
    if embeddings:
        key = environment.embedding_api_key or environment.openai_api_key
        secret = key.get_secret_value() if key else None
        checks.append(
            Check("embeddings", lambda: _catalogue(embeddings, "SOCIALSYNC_EMBEDDING_BASE_URL", secret))
        )
    checks.append(Check("mail", lambda: _mail(environment)))
    return checks


async def _answers(base: str, variable: str) -> Verdict:
    """Any answer of HTTP will do: without a token it is a refusal."""
    answer = await _asked(base, variable)
    return answer if isinstance(answer, Verdict) else ok(f"{_place(base)} answers.")


async def _models(environment: Settings) -> Verdict:
    base, key = environment.openai_base, environment.openai_api_key
    if base == OPENAI and key is None:
        return warning(
            "No OPENAI_API_KEY: nothing is answered by AI, and documents are found by their words only.",
            "Set OPENAI_API_KEY, or OPENAI_BASE_URL to a server of your own.",
        )
    return await _catalogue(base, "OPENAI_BASE_URL", key.get_secret_value() if key else None)


async def _catalogue(base: str, variable: str, key: str | None) -> Verdict:
    """Ask for the list of models, which costs nothing and needs the key; without one, as the product does."""
    answer = await _asked(f"{base}/models", variable, {"Authorization": f"Bearer {key or NO_KEY}"})
    if isinstance(answer, Verdict):
        return answer
    if answer.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        return failed(f"{_place(base)} refuses the key.", "Set the key of that server: OPENAI_API_KEY")
    return ok(f"{_place(base)} answers{' and takes the key' if key and answer.is_success else ''}.")


async def _asked(url: str, variable: str, headers: Mapping[str, str] = _BARE) -> httpx.Response | Verdict:
    try:
        # Made in a thread: it reads every certificate of this machine
        async with await asyncio.to_thread(httpx.AsyncClient, timeout=CONNECT_WITHIN_S) as client:
            answer = await client.get(url, headers=headers)
    except (httpx.TransportError, httpx.InvalidURL) as error:
        return failed(
            f"{_place(url)} cannot be reached: {type(error).__name__}.",
            f"Check {variable} and this machine's network, DNS and proxy.",
        )
    if answer.is_server_error:
        return warning(f"{_place(url)} answers {answer.status_code}.", "Wait, or look at its status page.")
    return answer


async def _mail(environment: Settings) -> Verdict:
    if environment.smtp_url is None:
        return warning("No SMTP_URL: mails of escalations are only logged.", "Set SMTP_URL.")
    parts = urlsplit(environment.smtp_url.get_secret_value())
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    try:
        async with asyncio.timeout(CONNECT_WITHIN_S):
            reader, writer = await asyncio.open_connection(host, port, ssl=parts.scheme == "smtps" or None)
            greeting = await reader.readline()
            writer.close()
    except (OSError, TimeoutError) as error:
        return failed(
            f"{host}:{port} cannot be reached: {type(error).__name__}.", "Check SMTP_URL and the firewall."
        )
    if not greeting.startswith(b"220"):
        return failed(
            f"{host}:{port} does not greet as a mail server.", "Check SMTP_URL: host, port, smtp or smtps."
        )
    return ok(f"{host}:{port} answers.")


def _place(url: str) -> str:
    """Without path, user and password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"
