"""In whose name a channel's calls are made."""

from socialsync.db.encryption import Cipher
from socialsync.errors import NotFound
from socialsync.features.channels.models import Channel
from socialsync.platforms.contract import Sender


def sender_of(channel: Channel, cipher: Cipher) -> Sender:
    """In whose name this channel's calls are made.

    Raises:
        NotFound: a deleted channel has no token any more.
        Permanent: the token cannot be decrypted with the present keys.
    """
    if channel.token_encrypted is None:
        raise NotFound("The channel was deleted.", field="channel_id", fix="Connect the account again.")
    return Sender(
        external_id=channel.external_id,
        token=cipher.decrypt(channel.token_encrypted),
        limit_key=limit_key(channel),
    )


def limit_key(channel: Channel) -> str:
    """Whose rate limit the channel's calls count against: the account's, whichever workspace it is in."""
    return f"{channel.platform}:{channel.external_id}"


def conversations_key(channel: Channel) -> str:
    """Whose rate limit reading conversations counts against: the account's, beside its other calls."""
    return f"{limit_key(channel)}/conversations"


def check_sender(external_id: str, access_token: str) -> None:
    """What could never be put into a request is refused now. Raises Invalid."""
    Sender(external_id=external_id, token=access_token, limit_key="")
