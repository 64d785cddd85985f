"""The token that a live connection lasts by."""

from typing import Self

from microgrid_api.context import ApiContext
from microgrid_api.live.connection import SIGN_IN_AGAIN, LiveEndError, caller_in
from microgrid_api.web.errors import UnavailableError
from microgrid_common.ports.identity import Caller


class LiveLogin:
    """Keeps the token that a client last presented, and looks whether it still counts."""

    def __init__(self, context: ApiContext, grid_id: str, token: str, caller: Caller) -> None:
        self._context = context
        self._grid_id = grid_id
        self._token = token
        self._caller = caller

    @classmethod
    async def of(cls, context: ApiContext, grid_id: str, token: str) -> Self:
        """The login of a client that wants to watch a grid.

        Raises:
            LiveEndError: it may not, or the token is not accepted.
            UnavailableError: what has to be asked is away.
        """
        return cls(context, grid_id, token, await caller_in(context, token, grid_id))

    @property
    def caller(self) -> Caller:
        """Who it is."""
        return self._caller

    async def check(self) -> None:
        """Return if the token still counts: it may have ended, been revoked, or lost the grid.

        Raises:
            LiveEndError: it does not.
        """
        try:
            self._caller = await caller_in(self._context, self._token, self._grid_id)
        except UnavailableError:
            # A store that is away for a moment must not throw everybody out; its end the token itself knows.
            ends = self._caller.expires_at
            if ends is not None and self._context.now() >= ends:
                raise LiveEndError(SIGN_IN_AGAIN, "the token has expired") from None

    async def renew(self, token: object) -> bool:
        """Go on by another token of the same user; whether it is one that counts.

        Raises:
            UnavailableError: what has to be asked is away.
        """
        if not isinstance(token, str):
            return False
        try:
            caller = await caller_in(self._context, token, self._grid_id)
        except LiveEndError:
            return False
        if caller.username != self._caller.username:
            return False
        self._token, self._caller = token, caller
        return True
