"""Tries to log in, counted by user name, so that nobody can try all passwords of one."""

from datetime import datetime, timedelta
from typing import Final, Protocol

FREE_ATTEMPTS: Final = 5
"""So many tries in a row cost nothing: people mistype."""
FIRST_WAIT: Final = timedelta(seconds=1)
"""After one more; then it doubles with each."""
LONGEST_WAIT: Final = timedelta(minutes=15)
"""A stranger who tries the passwords of somebody else keeps them out no longer than this at a time."""
FORGOTTEN_AFTER: Final = timedelta(hours=1)


class LoginAttempts(Protocol):
    """Counts tries to log in, of users that exist and of those that do not."""

    async def attempt(self, username: str, *, at: datetime) -> timedelta | None:
        """Count a try, before the password is looked at: then tries at the same moment count too.

        Returns:
            None when it may go on; else how long to wait, and nothing was counted.

        Raises:
            RetryableError: the store is away.
        """

    async def clear(self, username: str) -> None:
        """Forget the tries of a user: the last one was right.

        Raises:
            RetryableError: the store is away; calling again is safe.
        """

    async def ping(self) -> None:
        """Return if the store can be used.

        Raises:
            RetryableError: it cannot; it says why.
        """
