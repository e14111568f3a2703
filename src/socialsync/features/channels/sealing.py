"""Whether the tokens that are stored can be opened with the keys of today. They are counted, never shown."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.db.encryption import Cipher
from socialsync.errors import Permanent
from socialsync.features.channels import queries


@dataclass(frozen=True)
class Sealed:
    """Of all channels that are not deleted: how many tokens there are, and how many of them open."""

    stored: int
    opening: int


async def count_tokens(session: AsyncSession, cipher: Cipher | None) -> Sealed:
    """Without a cipher none opens."""
    tokens = await queries.list_tokens(session)
    return Sealed(len(tokens), sum(_opens(cipher, tokens)) if cipher else 0)


def _opens(cipher: Cipher, tokens: Sequence[bytes]) -> list[bool]:
    found = []
    for token in tokens:
        try:
            cipher.decrypt(token)
        except Permanent:
            found.append(False)
        else:
            found.append(True)
    return found
