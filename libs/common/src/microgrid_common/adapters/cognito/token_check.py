"""Whether a token was given out by a user pool, for us, and what it says."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from joserfc import jws
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jws import CompactSignature, JWSRegistry
from joserfc.jwt import JWTClaimsRegistry
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from microgrid_common.adapters.cognito.groups import grants_of
from microgrid_common.adapters.cognito.signing_keys import SigningKeys
from microgrid_common.ports.identity import Caller, TokenProblem, TokenRefusedError

LEEWAY_SECONDS: Final = 30
"""How much the clocks may differ."""

LONGEST_TOKEN: Final = 16 * 1024
"""In characters; one with a hundred groups is below that."""

_LAST_SECOND = 253_402_300_799
"""The end of the year 9999."""

# Nothing else is ever tried: neither `none`, nor an HMAC with the public key as its secret.
_REGISTRY = JWSRegistry(algorithms=["RS256"])

_Text = Annotated[str, StringConstraints(min_length=1, max_length=128)]
_Second = Annotated[int, Field(ge=0, le=_LAST_SECOND)]


class _Header(BaseModel):
    # More than Cognito sends. What could change the meaning, such as `crit`, `b64` or `jwk`, is refused.
    model_config = ConfigDict(strict=True, extra="forbid")

    alg: Literal["RS256"]
    kid: _Text
    typ: str | None = None


class _Claims(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)

    exp: _Second
    sub: _Text
    origin_jti: _Text | None = None
    auth_time: _Second | None = None
    groups: Annotated[list[str], Field(alias="cognito:groups")] = []

    def login_id(self) -> str | None:
        """The same in all tokens of a login, also after they were refreshed; None: not to be told."""
        if self.origin_jti is not None:
            return self.origin_jti
        # A pool without token revocation. Not `jti`, which a refreshed token does not share, and not `sub`
        # alone, which the next login does.
        return f"{self.sub}.{self.auth_time}" if self.auth_time is not None else None


class _AccessClaims(_Claims):
    token_use: Literal["access"]
    client: Annotated[str, Field(alias="client_id")]
    username: _Text


class _IdClaims(_Claims):
    token_use: Literal["id"]
    client: Annotated[str, Field(alias="aud")]
    username: Annotated[_Text, Field(alias="cognito:username")]


class TokenCheck:
    """Checks the tokens of one app client of one user pool.

    Args:
        keys: those of the pool.
        issuer: the pool's name for itself, a URL.
        client_id: the app client that they must have been given out for.
        accept_id_tokens: whether id tokens are as good as access tokens.
        now: seconds since 1970.
    """

    def __init__(
        self,
        keys: SigningKeys,
        *,
        issuer: str,
        client_id: str,
        accept_id_tokens: bool = False,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._keys = keys
        self._client_id = client_id
        self._accept_id_tokens = accept_id_tokens
        self._times = JWTClaimsRegistry(
            lambda: int(now()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": issuer},
            exp={"essential": True},
            iat={"essential": True},
        )

    async def caller(self, token: str) -> Caller:
        """Who presents the token; whether its login has ended is for others to know.

        Raises:
            TokenRefusedError: it is not valid, or not any more.
            RetryableError: the signing keys cannot be had.
        """
        signed = _parsed(token)
        key = await self._keys.get(signed.headers()["kid"])
        try:
            if key is None or not jws.validate_compact(signed, key, registry=_REGISTRY):
                raise TokenRefusedError(TokenProblem.INVALID)
            claims = self._claims(json.loads(signed.payload))
        except ExpiredTokenError as error:
            raise TokenRefusedError(TokenProblem.EXPIRED) from error
        except (JoseError, ValidationError, ValueError, RecursionError) as error:
            raise TokenRefusedError(TokenProblem.INVALID) from error
        login_id = claims.login_id()
        if claims.client != self._client_id or login_id is None:
            raise TokenRefusedError(TokenProblem.INVALID)
        return Caller(
            username=claims.username,
            login_id=login_id,
            grants=grants_of(claims.groups),
            expires_at=datetime.fromtimestamp(claims.exp, UTC),
        )

    def _claims(self, payload: Any) -> _AccessClaims | _IdClaims:
        if not isinstance(payload, dict):
            raise TokenRefusedError(TokenProblem.INVALID)
        self._times.validate(payload)
        if self._accept_id_tokens and payload.get("token_use") == "id":
            return _IdClaims.model_validate(payload)
        return _AccessClaims.model_validate(payload)


def _parsed(token: str) -> CompactSignature:
    """The parts of a token whose header is as it must be; nothing in it is proven yet.

    Raises:
        TokenRefusedError: it is none.
    """
    if len(token) > LONGEST_TOKEN:
        raise TokenRefusedError(TokenProblem.INVALID)
    try:
        signed = jws.extract_compact(token.encode("ascii"), registry=_REGISTRY)
        _Header.model_validate(signed.headers())
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        # A TypeError is what joserfc makes of some headers that are no object.
        raise TokenRefusedError(TokenProblem.INVALID) from error
    return signed
