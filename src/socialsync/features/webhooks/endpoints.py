"""``/webhooks/{platform}``: where Meta knocks. No API key: Meta signs."""

from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import PlainTextResponse, Response

from socialsync import clock, telemetry
from socialsync.api.opened import Opened
from socialsync.db.away import is_away
from socialsync.errors import Forbidden, Unauthenticated
from socialsync.features.webhooks import service, signing

router = APIRouter(prefix="/webhooks", tags=["webhooks"])
log = telemetry.get_logger(__name__)

Platform = Literal["whatsapp", "instagram"]
_MISTAKE = "SocialSync made a mistake while handling it; the log has the details."


@router.get("/{platform}", summary="Meta's handshake", response_class=PlainTextResponse)
async def verify(
    platform: Platform,  # noqa: ARG001 - only these two have doors
    opened: Opened,
    mode: Annotated[str, Query(alias="hub.mode")] = "",
    token: Annotated[str, Query(alias="hub.verify_token")] = "",
    challenge: Annotated[str, Query(alias="hub.challenge")] = "",
) -> PlainTextResponse:
    """Answers the challenge when the verify token is META_VERIFY_TOKEN."""
    if mode != "subscribe" or not signing.is_same(token, opened.settings.verify_token):
        raise Forbidden(
            "This is not Meta's handshake, or the verify token is another one.",
            field="hub.verify_token",
            fix="Give Meta's dashboard the value of META_VERIFY_TOKEN.",
        )
    return PlainTextResponse(challenge)


@router.post("/{platform}", summary="What Meta tells")
async def receive(
    platform: Platform,
    request: Request,
    opened: Opened,
    signature: Annotated[str | None, Header(alias="X-Hub-Signature-256")] = None,
) -> Response:
    """200 for every well-signed body, stored before it is answered; 503 while it cannot be stored, and Meta
    comes again.
    """
    body = await request.body()
    if not signing.is_signed(body, signature, opened.settings.app_secret):
        raise Unauthenticated(
            "The signature is missing or wrong.",
            field="X-Hub-Signature-256",
            fix="Sign the raw body with META_APP_SECRET: sha256=<hex of HMAC-SHA256>.",
        )
    try:
        async with opened.database.system_transaction("a webhook is stored and handled") as session:
            await service.receive(session, platform, body, now=clock.now())
    except Exception as error:
        if is_away(error) or isinstance(error, OSError):
            raise
        log.exception("[WEBHOOK] Handling a body failed; it is stored", platform=platform, size=len(body))
        async with opened.database.system_transaction("a webhook is stored for later") as session:
            await service.keep(session, platform, body, _MISTAKE)
    return Response(status_code=200)
