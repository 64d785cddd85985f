"""Who is calling: one port for every way in which users are known."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from microgrid_common.schemas.user import EVERY_GRID, Grants, Role


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who has logged in."""

    username: str
    login_id: str
    """What ends with the logout: what is registered under it, such as push tokens, ends then too."""
    grants: Grants
    expires_at: datetime | None
    """When the token ends that proved it; None: never."""

    def role_in(self, grid_id: str) -> Role | None:
        """The role in a grid, by a grant for it or for every grid; None: it is as if it did not exist."""
        held = [role for scope in (grid_id, EVERY_GRID) if (role := self.grants.get(scope))]
        return max(held, key=list(Role).index, default=None)

    def has(self, role: Role, grid_id: str) -> bool:
        """Whether it may do in a grid what `role` may; with `EVERY_GRID`: also what belongs to none."""
        held = self.role_in(grid_id)
        return held is not None and held.includes(role)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a login gives."""

    access_token: str
    expires_in: timedelta | None
    """How long the access token is good for; None: without an end."""
    refresh_token: str | None
    """Gives new tokens, once; None where there is no such thing."""
    caller: Caller


class TokenProblem(StrEnum):
    """Why a token was refused."""

    INVALID = "invalid"
    EXPIRED = "expired"
    REVOKED = "revoked"


class TokenRefusedError(Exception):
    """The token proves nothing: log in again."""

    def __init__(self, problem: TokenProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem


class LoginRefusedError(Exception):
    """No login with these credentials; which part of them was wrong is not told.

    Args:
        advice: what the user can do, when there is more to say than that they are wrong.
        retry_after: how long to wait before the next try; None: no time.
    """

    def __init__(self, advice: str | None = None, *, retry_after: timedelta | None = None) -> None:
        super().__init__(advice or "the user name or the password is wrong")
        self.advice = advice
        self.retry_after = retry_after


class Identity(Protocol):
    """Knows users by their tokens, and gives those out."""

    async def caller(self, token: str) -> Caller:
        """Who presents this access token.

        Raises:
            TokenRefusedError: it is not valid, or not any more.
            RetryableError: what has to be asked is away.
        """

    async def log_in(self, username: str, password: str) -> Tokens:
        """Exchange credentials for tokens.

        Raises:
            LoginRefusedError: not with these, or not now.
            RetryableError: what has to be asked is away.
        """

    async def refresh(self, refresh_token: str) -> Tokens:
        """Exchange a refresh token for new tokens; the one given is used up, where that is how they work.

        Raises:
            TokenRefusedError: it is not valid, or not any more, or was used before.
            RetryableError: what has to be asked is away.
        """

    async def log_out(self, caller: Caller) -> None:
        """End the login of a caller: none of its tokens is accepted from now on.

        Raises:
            RetryableError: what has to be told is away; calling again is safe.
        """
