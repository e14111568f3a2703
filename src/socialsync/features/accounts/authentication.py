"""From a key to a principal, for every request: remembered for moments, so that a revocation soon holds."""

from datetime import datetime, timedelta
from uuid import UUID

from socialsync import clock
from socialsync.api.callers import Principal
from socialsync.db.transaction import Database
from socialsync.features.accounts import keys, queries, service

REMEMBERED = timedelta(seconds=3)
"""Longer than this no revoked key is let in; the promise is 5 seconds."""
MOST_REMEMBERED = 1_000


class KeyAuthenticator:
    """Fills the slot of ``api.principal``. Only keys that are good are remembered, by their digests."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._remembered: dict[bytes, tuple[datetime, Principal]] = {}

    async def authenticate(self, key: str) -> Principal:
        """Raises UnknownKey."""
        now, digest = clock.now(), keys.digest(key)
        learned_at, principal = self._remembered.pop(digest, (now, None))
        if principal is None or not timedelta(0) <= now - learned_at < REMEMBERED:
            learned_at, principal = now, await service.authenticate(self._database, key)
        if len(self._remembered) >= MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[digest] = (learned_at, principal)
        return principal

    async def workspace_exists(self, workspace_id: UUID) -> bool:
        async with self._database.transaction(workspace_id) as session:
            return await queries.find_workspace(session, workspace_id) is not None
