"""The prototype's one user and one token."""

import hmac
from typing import Final

from microgrid_common.ports.identity import Caller, LoginRefusedError, TokenProblem, TokenRefusedError, Tokens
from microgrid_common.schemas.user import EVERY_GRID, Role

PROTOTYPE_USERNAME: Final = "user"
PROTOTYPE_PASSWORD: Final = "password"  # noqa: S105 - public, and useless outside loopback
PROTOTYPE_TOKEN: Final = "prototype_token"  # noqa: S105 - as above

_CALLER: Final = Caller(
    username=PROTOTYPE_USERNAME, login_id="prototype", grants={EVERY_GRID: Role.ADMIN}, expires_at=None
)
_TOKENS: Final = Tokens(access_token=PROTOTYPE_TOKEN, expires_in=None, refresh_token=None, caller=_CALLER)


class PrototypeIdentity:
    """Implements `Identity` for one fixed user, who may do everything, with one fixed token.

    It is for loopback only: see `ApiSettings.auth_mode`. A logout ends nothing: the token is public.
    """

    async def caller(self, token: str) -> Caller:
        """As `Identity.caller`."""
        if not _same(token, PROTOTYPE_TOKEN):
            raise TokenRefusedError(TokenProblem.INVALID)
        return _CALLER

    async def log_in(self, username: str, password: str) -> Tokens:
        """As `Identity.log_in`."""
        # Both are always compared, and in constant time, so that the time tells nothing.
        right_name = _same(username, PROTOTYPE_USERNAME)
        right_password = _same(password, PROTOTYPE_PASSWORD)
        if not (right_name and right_password):
            raise LoginRefusedError
        return _TOKENS

    async def refresh(self, refresh_token: str) -> Tokens:  # noqa: ARG002 - there is none that is right
        """As `Identity.refresh`: it gives out no refresh tokens."""
        raise TokenRefusedError(TokenProblem.INVALID)

    async def log_out(self, caller: Caller) -> None:
        """As `Identity.log_out`."""


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())
