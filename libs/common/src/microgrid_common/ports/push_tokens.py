"""The store of push tokens: which phones a user is reached on."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

LONGEST_TOKEN: Final = 4_096
"""Characters. FCM's have less than 300 and promise nothing."""
MOST_TOKENS_OF_A_USER: Final = 20


class PushPlatform(StrEnum):
    """What a token is for."""

    ANDROID = "android"
    IOS = "ios"
    WEB = "web"


@dataclass(frozen=True, slots=True)
class PushToken:
    """An installation of the app in which a user is logged in."""

    token: str
    """1 to `LONGEST_TOKEN` characters."""
    user: str
    platform: PushPlatform
    login_id: str
    """The login that registered it: when that ends, so does the token."""
    registered_at: datetime


class PushTokens(Protocol):
    """Keeps push tokens. A token belongs to the user and login that registered it last."""

    async def register(self, token: PushToken) -> None:
        """Keep a token. Of more than `MOST_TOKENS_OF_A_USER` the oldest ones go.

        Raises:
            RetryableError: the store is away; calling again is safe.
        """

    async def remove(self, user: str, token: str) -> bool:
        """Forget a token of a user; False when it is not one of theirs.

        Raises:
            RetryableError: the store is away; calling again is safe.
        """

    async def remove_login(self, login_id: str) -> int:
        """Forget all tokens of a login, since it has ended; returns how many.

        Raises:
            RetryableError: the store is away; calling again is safe.
        """

    async def of_user(self, user: str) -> list[PushToken]:
        """The tokens of a user, the oldest first.

        Raises:
            RetryableError: the store is away.
        """

    async def ping(self) -> None:
        """Return if the store can be used.

        Raises:
            RetryableError: it cannot; it says why.
        """
