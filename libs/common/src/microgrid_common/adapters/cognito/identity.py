"""Users who are known by an Amazon Cognito user pool."""

import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from microgrid_common.adapters.cognito.signing_keys import SigningKeys
from microgrid_common.adapters.cognito.token_check import TokenCheck
from microgrid_common.adapters.cognito.user_pool import IssuedTokens, UserPool, UserPoolClient
from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.ports.identity import Caller, TokenProblem, TokenRefusedError, Tokens
from microgrid_common.ports.revocations import Revocations

REFRESH_LIFETIME: Final = timedelta(days=30)
"""Of an app client whose refresh tokens have the length that Cognito gives them by default."""

_REFRESH_TOKENS_KEPT = 10_000


class CognitoIdentity:
    """Implements `Identity`: tokens are checked here; Cognito is asked at logins, refreshes and logouts only.

    A login that was ended stays so in `revocations` for as long as its refresh token could give new access
    tokens: to end it at Cognito takes the refresh token, and that may have come to another process.

    Args:
        pool: which one.
        revocations: where logins that have ended are remembered.
        refresh_lifetime: how long the refresh tokens of the app client are good for.
        accept_id_tokens: whether id tokens are as good as access tokens.
        now: seconds since 1970.
    """

    def __init__(
        self,
        pool: UserPool,
        revocations: Revocations,
        *,
        refresh_lifetime: timedelta = REFRESH_LIFETIME,
        accept_id_tokens: bool = False,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._pool = UserPoolClient(pool)
        self._keys = SigningKeys(f"{pool.issuer}/.well-known/jwks.json")
        self._check = TokenCheck(
            self._keys,
            issuer=pool.issuer,
            client_id=pool.client_id,
            accept_id_tokens=accept_id_tokens,
            now=now,
        )
        self._revocations = revocations
        self._refresh_lifetime = refresh_lifetime
        self._now = now
        self._refresh_tokens: OrderedDict[str, str] = OrderedDict()

    async def caller(self, token: str) -> Caller:
        """As `Identity.caller`."""
        caller = await self._check.caller(token)
        if await self._revocations.revoked(caller.login_id):
            raise TokenRefusedError(TokenProblem.REVOKED)
        return caller

    async def log_in(self, username: str, password: str) -> Tokens:
        """As `Identity.log_in`; users with a challenge to answer are told where they can."""
        issued = await self._pool.log_in(username, password)
        try:
            caller = await self._check.caller(issued.access_token)
        except TokenRefusedError as error:
            raise PermanentError(f"an access token of the user pool is {error}") from error
        return self._tokens(issued, caller, issued.refresh_token)

    async def refresh(self, refresh_token: str) -> Tokens:
        """As `Identity.refresh`; it is used up where the app client rotates refresh tokens."""
        # Where it is used up, what fails after that would cost the login.
        await self._revocations.ping()
        issued = await self._pool.refresh(refresh_token)
        good_now = issued.refresh_token or refresh_token
        caller = await self._check.caller(issued.access_token)
        if await self._revocations.revoked(caller.login_id):
            await self._end_at_cognito(good_now)
            raise TokenRefusedError(TokenProblem.REVOKED)
        return self._tokens(issued, caller, good_now)

    async def log_out(self, caller: Caller) -> None:
        """As `Identity.log_out`."""
        until = datetime.fromtimestamp(self._now(), UTC) + self._refresh_lifetime
        await self._revocations.revoke(caller.login_id, until=until)
        if refresh_token := self._refresh_tokens.pop(caller.login_id, None):
            await self._end_at_cognito(refresh_token)

    async def aclose(self) -> None:
        """End what is on its way."""
        await self._keys.aclose()

    def _tokens(self, issued: IssuedTokens, caller: Caller, refresh_token: str | None) -> Tokens:
        if refresh_token is not None:
            self._refresh_tokens[caller.login_id] = refresh_token
            self._refresh_tokens.move_to_end(caller.login_id)
            if len(self._refresh_tokens) > _REFRESH_TOKENS_KEPT:
                self._refresh_tokens.popitem(last=False)
        return Tokens(issued.access_token, issued.expires_in, refresh_token, caller)

    async def _end_at_cognito(self, refresh_token: str) -> None:
        """Best effort: here the login has ended already."""
        try:
            await self._pool.revoke(refresh_token)
        except (RetryableError, PermanentError) as error:
            structlog.get_logger().warning("cognito_login_not_ended", error=str(error))
