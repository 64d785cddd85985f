"""Logins with passwords, short access tokens and rotating refresh tokens."""

import re
import secrets
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

import structlog

from microgrid_api.identity.local_users.ending_logins import LoginEnder
from microgrid_api.identity.local_users.passwords import Passwords
from microgrid_api.identity.local_users.token_signing import ACCESS_LIFETIME, RefreshToken, TokenSigner
from microgrid_common.ports.identity import Caller, LoginRefusedError, TokenProblem, TokenRefusedError, Tokens
from microgrid_common.ports.login_attempts import LoginAttempts
from microgrid_common.ports.login_store import Login, LoginStore
from microgrid_common.ports.revocations import Revocations
from microgrid_common.ports.user_store import StoredUser, UserStore
from microgrid_common.schemas.user import USERNAME_PATTERN, User

IDLE_LIFETIME: Final = timedelta(days=30)
"""A login that is not renewed for so long ends."""
LONGEST_LOGIN: Final = timedelta(days=90)
"""Then the password is asked for again, however often the login was renewed."""
RENEWAL_GRACE: Final = timedelta(minutes=1)
"""So long a refresh token may be used once more: over a bad link the answer to its first use gets lost."""

_TOKENS_REMEMBERED: Final = 10_000
_RENEWAL_TRIES: Final = 3
_USERNAME: Final = re.compile(USERNAME_PATTERN)


class LocalIdentity:
    """Implements `Identity` for the users of a `UserStore`.

    Args:
        users: who may log in.
        logins: who is.
        attempts: how often it was tried.
        revocations: logins that ended before their access tokens.
        ender: ends them.
        passwords: verifies them.
        signer: signs and reads tokens.
        now: the present, aware, in UTC.
    """

    def __init__(
        self,
        *,
        users: UserStore,
        logins: LoginStore,
        attempts: LoginAttempts,
        revocations: Revocations,
        ender: LoginEnder,
        passwords: Passwords,
        signer: TokenSigner,
        now: Callable[[], datetime],
    ) -> None:
        self._users = users
        self._logins = logins
        self._attempts = attempts
        self._revocations = revocations
        self._ender = ender
        self._passwords = passwords
        self._signer = signer
        self._now = now
        self._read: OrderedDict[bytes, Caller] = OrderedDict()
        """Access tokens that were read before, by their digests: to check a signature takes a while."""

    async def caller(self, token: str) -> Caller:
        """As `Identity.caller`."""
        caller = self._read_token(token)
        if await self._revocations.revoked(caller.login_id):
            raise TokenRefusedError(TokenProblem.REVOKED)
        return caller

    async def log_in(self, username: str, password: str) -> Tokens:
        """As `Identity.log_in`."""
        stored = await self.check_password(username, password)
        return await self.start_login(stored.user)

    async def check_password(self, username: str, password: str) -> StoredUser:
        """The user who has that name and password, and may log in.

        Raises:
            LoginRefusedError: there is none, or it was tried too often.
            RetryableError: a store is away.
        """
        name = username.strip().lower()
        stored = None
        if _USERNAME.fullmatch(name):
            if wait := await self._attempts.attempt(name, at=self._now()):
                raise LoginRefusedError("Too many wrong passwords for this user name", retry_after=wait)
            stored = await self._users.get(name)
        right = await self._passwords.verify(password, stored.password_hash if stored else None)
        if stored is None or not right or stored.user.disabled:
            raise LoginRefusedError
        await self._attempts.clear(name)
        return stored

    async def start_login(self, user: User) -> Tokens:
        """Log somebody in whose password was checked.

        Raises:
            RetryableError: a store is away.
        """
        now = self._now()
        login = Login(
            login_id=secrets.token_urlsafe(16),
            username=user.username,
            generation=0,
            started_at=now,
            renewed_at=now,
            expires_at=now + IDLE_LIFETIME,
        )
        for surplus in await self._logins.start(login):
            await self._ender.end(surplus)
        return self._tokens(user, login.login_id, generation=0, expires_at=login.expires_at)

    async def refresh(self, refresh_token: str) -> Tokens:
        """As `Identity.refresh`. A token that was used before ends the login: somebody else has it, too."""
        token = self._signer.read_refresh_token(refresh_token)
        for _ in range(_RENEWAL_TRIES):
            now = self._now()
            login = await self._logins.get(token.login_id)
            if login is None or login.username != token.username or now >= login.expires_at:
                raise TokenRefusedError(TokenProblem.REVOKED)
            stored = await self._users.get(login.username)
            if not _is_next(token, login, now):
                structlog.get_logger().warning("refresh_token_used_again", username=login.username)
                stored = None
            if stored is None or stored.user.disabled:
                await self._ender.end(login.login_id)
                raise TokenRefusedError(TokenProblem.REVOKED)
            expires_at = min(now + IDLE_LIFETIME, login.started_at + LONGEST_LOGIN)
            if await self._logins.renew(
                login.login_id, generation=login.generation, at=now, expires_at=expires_at
            ):
                return self._tokens(
                    stored.user, login.login_id, generation=login.generation + 1, expires_at=expires_at
                )
        raise TokenRefusedError(TokenProblem.INVALID)

    async def log_out(self, caller: Caller) -> None:
        """As `Identity.log_out`."""
        await self._ender.end(caller.login_id)

    def _tokens(self, user: User, login_id: str, *, generation: int, expires_at: datetime) -> Tokens:
        lifetime = min(ACCESS_LIFETIME, expires_at - self._now())
        caller = Caller(user.username, login_id, user.grants, self._now() + lifetime)
        refresh_token = RefreshToken(user.username, login_id, generation)
        return Tokens(
            access_token=self._signer.access_token(caller),
            expires_in=lifetime,
            refresh_token=self._signer.refresh_token(refresh_token, expires_at=expires_at),
            caller=caller,
        )

    def _read_token(self, token: str) -> Caller:
        digest = sha256(token.encode("utf-8", "surrogatepass")).digest()
        caller = self._read.get(digest)
        if caller is None:
            caller = self._read[digest] = self._signer.read_access_token(token)
            if len(self._read) > _TOKENS_REMEMBERED:
                self._read.popitem(last=False)
        elif caller.expires_at is None or self._now() >= caller.expires_at:
            del self._read[digest]
            raise TokenRefusedError(TokenProblem.EXPIRED)
        return caller


def _is_next(token: RefreshToken, login: Login, now: datetime) -> bool:
    if token.generation == login.generation:
        return True
    return token.generation == login.generation - 1 and now - login.renewed_at <= RENEWAL_GRACE
