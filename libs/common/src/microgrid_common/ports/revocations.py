"""Logins that have ended before their access tokens do."""

from datetime import datetime
from typing import Protocol


class Revocations(Protocol):
    """Remembers logins that were ended, for as long as their access tokens would live."""

    async def revoke(self, login_id: str, *, until: datetime) -> None:
        """Refuse the tokens of a login from now on.

        Args:
            login_id: 1 to 200 characters.
            until: when its last access token ends by itself; after that it may be forgotten. Aware.

        Raises:
            RetryableError: the store is away; calling again is safe.
        """

    async def revoked(self, login_id: str) -> bool:
        """Whether a login was ended.

        Raises:
            RetryableError: the store is away.
        """

    async def ping(self) -> None:
        """Return if the store can be used.

        Raises:
            RetryableError: it cannot; it says why.
        """
