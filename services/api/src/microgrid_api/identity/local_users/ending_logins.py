"""Ending logins, with all that hangs on them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from microgrid_api.identity.local_users.token_signing import ACCESS_LIFETIME
from microgrid_common.ports.login_store import LoginStore
from microgrid_common.ports.push_tokens import PushTokens
from microgrid_common.ports.revocations import Revocations

_CLOCKS_DIFFER_BY: Final = timedelta(minutes=5)
"""Replicas on other machines may believe a token for so much longer."""


class LoginEnder:
    """Ends logins: no token of theirs is accepted, and no phone of theirs is reached any more."""

    def __init__(
        self,
        *,
        logins: LoginStore,
        revocations: Revocations,
        push_tokens: PushTokens,
        now: Callable[[], datetime],
    ) -> None:
        self._logins = logins
        self._revocations = revocations
        self._push_tokens = push_tokens
        self._now = now

    async def end(self, login_id: str) -> None:
        """End one login; doing it again is the same as doing it once.

        Raises:
            RetryableError: a store is away; it may have happened in part, and calling again is safe.
        """
        until = self._now() + ACCESS_LIFETIME + _CLOCKS_DIFFER_BY
        await self._revocations.revoke(login_id, until=until)
        await self._push_tokens.remove_login(login_id)
        # Last: as long as it is there, `end_all` finds it again.
        await self._logins.end(login_id)

    async def end_all(self, username: str) -> int:
        """End every login of a user; returns how many.

        Raises:
            RetryableError: as `end`.
        """
        logins = await self._logins.of_user(username)
        for login in logins:
            await self.end(login.login_id)
        return len(logins)
