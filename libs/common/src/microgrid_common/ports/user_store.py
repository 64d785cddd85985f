"""The store of users and their password hashes."""

from dataclasses import dataclass
from typing import Final, Protocol

from microgrid_common.schemas.user import User

MAXIMUM_USERS: Final = 10_000


@dataclass(frozen=True, slots=True)
class StoredUser:
    """A user with what proves a password."""

    user: User
    password_hash: str
    """As a password hashing function writes it, with its parameters."""


class UserStore(Protocol):
    """Keeps users, by their names."""

    async def get(self, username: str) -> StoredUser | None:
        """A user; None when there is none of that name.

        Raises:
            RetryableError: the store is away.
        """

    async def all(self) -> list[User]:
        """Every user, in the order of their names.

        Raises:
            RetryableError: the store is away.
        """

    async def put(self, stored: StoredUser) -> None:
        """Keep a user, whose version says what is replaced: the one before; version 1 is a new user.

        Raises:
            VersionConflictError: the stored version is another one, or there is one already.
            PermanentError: there are `MAXIMUM_USERS` already.
            RetryableError: the store is away; it may or may not have happened.
        """

    async def remove(self, username: str) -> bool:
        """Forget a user; False when there is none of that name.

        Raises:
            RetryableError: the store is away; calling again is safe.
        """

    async def ping(self) -> None:
        """Return if the store can be used.

        Raises:
            RetryableError: it cannot; it says why.
        """
