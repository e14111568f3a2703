"""``/webhooks/{platform}``: where Meta knocks. No API key: Meta signs.

Meta, Graph API, "Webhooks, Getting started". Whatever is not answered with 200 comes again, for days.
"""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, Path, Query, Request
from fastapi.routing import APIRoute
from starlette.responses import PlainTextResponse, Response
from typing_extensions import override

from socialsync import clock
from socialsync.api import opened as resources
from socialsync.api.opened import Opened
from socialsync.api.routing import Router
from socialsync.db.transaction import Database
from socialsync.errors import Forbidden, NotFound, Unauthenticated
from socialsync.features.webhooks import signing
from socialsync.features.webhooks.intake import Intake
from socialsync.platforms import PLATFORMS

router = Router(prefix="/webhooks", tags=["webhooks"])
_SIGNATURE = "X-Hub-Signature-256"
_BODY = {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}


def install(app: FastAPI, database: Database) -> None:
    """What comes in together is stored together, in this app."""
    app.state.intake = Intake(database)


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
            fix="Give Meta's dashboard the verify token that `socialsync webhooks setup` prints.",
        )
    if not challenge:
        raise Forbidden(
            "The handshake has no challenge.", field="hub.challenge", fix="Meta sends one; send any word."
        )
    return PlainTextResponse(challenge)


class _Direct(APIRoute):
    """Documented like any other, but its parameters are taken from the request by hand: to have them solved
    costs more than all the rest of the way in.
    """

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        async def handle(request: Request) -> Response:
            platform = await _known(request.path_params["platform"])
            opened = await resources.get(request)
            return await receive_webhook(platform, request, opened, request.headers.get(_SIGNATURE))

        return handle


async def receive_webhook(
    platform: Platform,
    request: Request,
    opened: Opened,
    signature: Annotated[str | None, Header(alias=_SIGNATURE)] = None,
) -> Response:
    """200 for every well-signed body, stored before it is answered; 503 while it cannot be stored, and Meta
    comes again.
    """
    body = await request.body()
    if not signing.is_signed(body, signature, opened.settings.app_secret):
        raise Unauthenticated(
            "The signature is missing or wrong.",
            field=_SIGNATURE,
            fix="Sign the raw body with META_APP_SECRET: sha256=<hex of HMAC-SHA256>.",
        )
    intake: Intake = request.app.state.intake
    await intake.receive(platform, body, now=clock.now())
    return Response(status_code=200)


router.add_api_route(
    "/{platform}",
    receive_webhook,
    methods=["POST"],
    summary="What Meta tells",
    response_class=Response,
    openapi_extra={"requestBody": _BODY},
    route_class_override=_Direct,
)
