"""Whose account it is, where several workspaces say that it is theirs.

Webhooks of an account go to every workspace that has it. So a workspace that is not the first to connect it
has to show a token that the platform takes for this very account; those that were there before are asked for
the same, and who cannot show one hears no more of the account (``find_channels``). The network comes before
the transaction in which the channel is connected.
"""

from uuid import UUID

from socialsync import clock, telemetry
from socialsync.db.encryption import Cipher
from socialsync.db.transaction import Database
from socialsync.errors import Forbidden, SocialSyncError, Temporary
from socialsync.features.channels import queries, senders, service
from socialsync.features.channels.models import Channel
from socialsync.platforms import Platforms
from socialsync.platforms.contract import Sender
from socialsync.platforms.errors import PermissionMissing, PlatformError, RequestRefused, TokenRevoked

log = telemetry.get_logger(__name__)

LOOKS = 2
"""Meta has refused good tokens: one refusal takes nothing from anybody."""
NOT_ITS_OWN = (
    "The platform does not take this channel's access token for this account, which others have too."
)


class AccountNotProven(Forbidden):
    """The platform did not take the token for this account, which somebody else has connected."""


async def prove(
    database: Database,
    platforms: Platforms,
    cipher: Cipher,
    *,
    workspace_id: UUID,
    platform: str,
    external_id: str,
    access_token: str,
) -> None:
    """Whoever is the first to connect an account is believed; the next one is asked, and so are those before.

    Raises:
        Invalid: names the field.
        AccountNotProven.
        Temporary: the platform could not be asked.
    """
    sender = Sender(external_id=external_id, token=access_token, limit_key=f"{platform}:{external_id}")
    async with database.system_transaction("an account is looked for in all workspaces") as session:
        others = await queries.list_of_account(session, platform, external_id, but=workspace_id)
    if not others:
        return
    try:
        await platforms[platform].check_account(sender)
    except Temporary as away:
        raise Temporary(
            "Whether this access token is of this account could not be asked.",
            field="access_token",
            fix="Nothing was changed. Try again.",
            retry_after=away.retry_after,
        ) from away
    except PlatformError as refused:
        raise AccountNotProven(
            "The platform does not take this access token for this account.",
            field="access_token",
            fix="Use a token that was made for the account with this external_id.",
        ) from refused
    for other in others:
        await _look_again(database, platforms, cipher, other)


async def _look_again(database: Database, platforms: Platforms, cipher: Cipher, channel: Channel) -> None:
    """Whoever was there before without a token that is taken is asked to connect again."""
    try:
        sender = senders.sender_of(channel, cipher)
    except SocialSyncError:
        return  # our own keys do not open it: that says nothing about the token
    for _ in range(LOOKS):
        try:
            await platforms[channel.platform].check_account(sender)
        except (TokenRevoked, PermissionMissing, RequestRefused) as refused:
            reason = type(refused).__name__
        except PlatformError:
            return  # nor does this
        else:
            return
    log.warning("[CHANNEL] Not its own account", channel_id=str(channel.id), reason=reason)
    async with database.transaction(channel.workspace_id) as session:
        await service.mark_revoked(
            session, channel.id, NOT_ITS_OWN, now=clock.now(), token_set_at=channel.token_set_at
        )
