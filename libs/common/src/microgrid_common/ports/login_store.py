"""The store of logins: what a refresh token renews, and a logout ends."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

MOST_LOGINS_OF_A_USER: Final = 50
"""Phones, tablets and browsers that were never logged out; of more the oldest ones end."""


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody is logged in on one device."""

    login_id: str
    username: str
    generation: int
    """How often it was renewed: only the refresh token of this generation is good for the next one."""
    started_at: datetime
    renewed_at: datetime
    expires_at: datetime
    """When it ends unless it is renewed before; later it may be forgotten."""


class LoginStore(Protocol):
    """Keeps logins until they end."""

    async def start(self, login: Login) -> list[str]:
        """Keep a new login.

        Returns:
            The ids of those that ended since their user has more than `MOST_LOGINS_OF_A_USER`.

        Raises:
            RetryableError: the store is away; calling again is safe.
        """

    async def get(self, login_id: str) -> Login | None:
        """A login; None when it has ended.

        Raises:
            RetryableError: the store is away.
        """

    async def renew(self, login_id: str, *, generation: int, at: datetime, expires_at: datetime) -> bool:
        """Make a login one generation older, if it is still of this one.

        Args:
            login_id: which.
            generation: the one that it has.
            at: the present.
            expires_at: when it ends now.

        Returns:
            False when it is of another generation, or has ended.

        Raises:
            RetryableError: the store is away; it may or may not have happened.
        """

    async def end(self, login_id: str) -> bool:
        """Forget a login; False when it had ended before.

        Raises:
            RetryableError: the store is away; calling again is safe.
        """

    async def of_user(self, username: str) -> list[Login]:
        """The logins of a user, the oldest first.

        Raises:
            RetryableError: the store is away.
        """

    async def ping(self) -> None:
        """Return if the store can be used.

        Raises:
            RetryableError: it cannot; it says why.
        """
