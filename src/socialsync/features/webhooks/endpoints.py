"""``/webhooks/{platform}``: where Meta knocks. No API key: Meta signs.

Meta, Graph API, "Webhooks, Getting started". Whatever is not answered with 200 comes again, for days.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from starlette.responses import PlainTextResponse, Response

from socialsync import clock
from socialsync.api.opened import Opened
from socialsync.errors import Forbidden, NotFound, Unauthenticated
from socialsync.features.webhooks import signing
from socialsync.features.webhooks.intake import Intake
from socialsync.platforms import PLATFORMS

router = APIRouter(prefix="/webhooks", tags=["webhooks"])
_BODY = {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}


async def _known(platform: Annotated[str, Path(json_schema_extra={"enum": list(PLATFORMS)})]) -> str:
    if platform not in PLATFORMS:
        raise NotFound("There is no such platform.", fix=f"Use one of: {', '.join(PLATFORMS)}.")
    return platform


Platform = Annotated[str, Depends(_known)]


@router.get("/{platform}", summary="Meta's handshake", response_class=PlainTextResponse)
async def verify_webhook(
    platform: Platform,  # noqa: ARG001 - only known ones have doors
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


@router.post(
    "/{platform}", summary="What Meta tells", response_class=Response, openapi_extra={"requestBody": _BODY}
)
async def receive_webhook(
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
    intake: Intake = request.app.state.intake
    await intake.receive(platform, body, now=clock.now())
    return Response(status_code=200)
