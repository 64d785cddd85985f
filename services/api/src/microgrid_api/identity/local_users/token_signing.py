"""Access and refresh tokens: JWTs that this system signs and reads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final, TypeVar

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from microgrid_common.ports.identity import Caller, TokenProblem, TokenRefusedError
from microgrid_common.schemas.user import GrantsOfUser

ACCESS_LIFETIME: Final = timedelta(minutes=15)
SHORTEST_KEY: Final = 32
"""Bytes: as many as HMAC-SHA256 gives (RFC 7518, section 3.2)."""
LONGEST_TOKEN: Final = 100_000
"""Characters: one with a thousand grants has less."""

_ALGORITHM: Final = "HS256"
_ISSUER: Final = "microgrid"
_ACCESS: Final = "microgrid-api"
_REFRESH: Final = "microgrid-refresh"


class _Claims(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    iss: str
    aud: str
    sub: str
    sid: str
    exp: AwareDatetime


class _AccessClaims(_Claims):
    grants: GrantsOfUser


class _RefreshClaims(_Claims):
    gen: int = Field(ge=0)


_ClaimsT = TypeVar("_ClaimsT", bound=_Claims)


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """What a refresh token says."""

    username: str
    login_id: str
    generation: int


class TokenSigner:
    """Signs tokens, and reads those that were signed with its keys.

    Args:
        key: signs; at least `SHORTEST_KEY` bytes.
        previous_key: still believed: what was in use before, until its refresh tokens have expired.
        now: the present, aware, in UTC.

    Raises:
        ValueError: a key is too short.
    """

    def __init__(self, key: bytes, *, previous_key: bytes | None = None, now: Callable[[], datetime]) -> None:
        keys = [key] if previous_key is None else [key, previous_key]
        if min(map(len, keys)) < SHORTEST_KEY:
            raise ValueError(f"a signing key needs at least {SHORTEST_KEY} bytes")
        self._keys = {_key_id(secret): OctKey.import_key(secret) for secret in keys}
        self._signs_with = _key_id(key)
        self._now = now

    def access_token(self, caller: Caller) -> str:
        """A token that proves who is calling, until `caller.expires_at`, which it must have.

        Raises:
            ValueError: the caller has no end.
        """
        if caller.expires_at is None:
            raise ValueError("an access token has to end")
        grants = {scope: role.value for scope, role in caller.grants.items()}
        return self._sign(_ACCESS, caller.username, caller.login_id, caller.expires_at, {"grants": grants})

    def refresh_token(self, token: RefreshToken, *, expires_at: datetime) -> str:
        """A token that is good for one renewal of a login."""
        return self._sign(_REFRESH, token.username, token.login_id, expires_at, {"gen": token.generation})

    def read_access_token(self, token: str) -> Caller:
        """Who is calling.

        Raises:
            TokenRefusedError: it is not one of these, or has expired.
        """
        claims = self._read(token, _AccessClaims, _ACCESS)
        return Caller(claims.sub, claims.sid, claims.grants, claims.exp.astimezone(UTC))

    def read_refresh_token(self, token: str) -> RefreshToken:
        """What a refresh token says.

        Raises:
            TokenRefusedError: it is not one of these, or has expired.
        """
        claims = self._read(token, _RefreshClaims, _REFRESH)
        return RefreshToken(claims.sub, claims.sid, claims.gen)

    def _sign(
        self, audience: str, username: str, login_id: str, expires_at: datetime, more: Mapping[str, Any]
    ) -> str:
        claims = {
            "iss": _ISSUER,
            "aud": audience,
            "sub": username,
            "sid": login_id,
            "iat": int(self._now().timestamp()),
            "exp": int(expires_at.timestamp()),
            **more,
        }
        header = {"alg": _ALGORITHM, "kid": self._signs_with}
        return jwt.encode(header, claims, self._keys[self._signs_with], algorithms=[_ALGORITHM])

    def _read(self, token: str, shape: type[_ClaimsT], audience: str) -> _ClaimsT:
        if len(token) > LONGEST_TOKEN:
            raise TokenRefusedError(TokenProblem.INVALID)
        try:
            decoded = jwt.decode(token, self._key_of, algorithms=[_ALGORITHM])
            claims = shape.model_validate(decoded.claims)
        except (JoseError, ValidationError, ValueError):
            raise TokenRefusedError(TokenProblem.INVALID) from None
        if (claims.iss, claims.aud) != (_ISSUER, audience):
            raise TokenRefusedError(TokenProblem.INVALID)
        if self._now() >= claims.exp:
            raise TokenRefusedError(TokenProblem.EXPIRED)
        return claims

    def _key_of(self, signature: Any) -> OctKey:
        key = self._keys.get(str(signature.headers().get("kid")))
        if key is None:
            raise ValueError("signed with a key that is not known")
        return key


def _key_id(secret: bytes) -> str:
    return sha256(b"microgrid key id " + secret).hexdigest()[:16]
