"""The part of Amazon Cognito's interface that logs users in and out."""

import base64
import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from microgrid_common.adapters.cognito.answers import ask
from microgrid_common.adapters.cognito.token_check import LONGEST_TOKEN
from microgrid_common.adapters.http_answers import check_status
from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.ports.identity import LoginRefusedError, TokenProblem, TokenRefusedError

_WRONG_CREDENTIALS: Final = frozenset(
    {
        "NotAuthorizedException",
        "UserNotFoundException",
        # These two may come whatever the password is: an advice would tell that there is such a user.
        "PasswordResetRequiredException",
        "UserNotConfirmedException",
        # What the pool's own checks say is for its administrators.
        "UserLambdaValidationException",
    }
)
_BUSY: Final = frozenset({"TooManyRequestsException", "LimitExceededException"})

_BUSY_FOR: Final = timedelta(seconds=5)
"""What Cognito's limits on requests, which it counts by the second, ask for."""

# A challenge comes after the right password: an advice tells nobody else anything.
_ADVICE_AT_FIRST: Final = (
    "This account still has the password that it was made with: set one of your own on the sign-in page of "
    "the user pool, then log in with that."
)
_ADVICE: Final = (
    "This account needs more than a password, which this login cannot ask for: use the sign-in page of the "
    "user pool, whose access tokens are accepted here."
)

_LONGEST_USERNAME = 128
_LONGEST_PASSWORD = 256
_REFRESH_TOKEN = re.compile(r"[A-Za-z0-9_=.-]+")
_ERROR_CODE = re.compile(r"[A-Za-z]{1,100}")
_FIRST_SERVER_ERROR_STATUS = 500


@dataclass(frozen=True, slots=True)
class UserPool:
    """Which user pool, and as which of its app clients."""

    url: str
    """Where Cognito is, without a slash at the end; see `cognito_url`."""
    pool_id: str
    client_id: str
    client_secret: SecretStr | None = None
    """None for an app client without one."""

    @property
    def issuer(self) -> str:
        """What the pool calls itself in its tokens."""
        return f"{self.url}/{self.pool_id}"


def cognito_url(region: str) -> str:
    """Where Cognito is in a region."""
    return f"https://cognito-idp.{region}.amazonaws.com"


class IssuedTokens(BaseModel):
    """What Cognito gives for a password or a refresh token."""

    model_config = ConfigDict(frozen=True)

    access_token: Annotated[str, Field(alias="AccessToken")]
    expires_in: Annotated[timedelta, Field(alias="ExpiresIn")]
    refresh_token: Annotated[str | None, Field(alias="RefreshToken")] = None
    """None when the one that was given stays good."""


class _RefusedError(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message


class UserPoolClient:
    """Asks Cognito on behalf of one app client."""

    def __init__(self, pool: UserPool) -> None:
        self._pool = pool

    async def log_in(self, username: str, password: str) -> IssuedTokens:
        """Exchange credentials for tokens.

        Raises:
            LoginRefusedError: not with these, or not now.
            RetryableError: Cognito is away.
            PermanentError: it refuses for a reason that is not the user's.
        """
        if not _may_be_credentials(username, password):
            raise LoginRefusedError
        parameters = {"USERNAME": username, "PASSWORD": password}
        if self._pool.client_secret is not None:
            parameters["SECRET_HASH"] = self._secret_hash(self._pool.client_secret, username)
        request = {"AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters}
        try:
            answer = await self._ask("InitiateAuth", request)
        except _RefusedError as error:
            raise _login_problem(error) from error
        if challenge := answer.get("ChallengeName"):
            at_first = challenge == "NEW_PASSWORD_REQUIRED"
            raise LoginRefusedError(_ADVICE_AT_FIRST if at_first else _ADVICE)
        return _issued(answer)

    async def refresh(self, refresh_token: str) -> IssuedTokens:
        """Exchange a refresh token for new tokens.

        Raises:
            TokenRefusedError: it is not valid, or not any more.
            RetryableError: Cognito is away or busy.
            PermanentError: it refuses for a reason that is not the user's.
        """
        if len(refresh_token) > LONGEST_TOKEN or not _REFRESH_TOKEN.fullmatch(refresh_token):
            raise TokenRefusedError(TokenProblem.INVALID)
        # InitiateAuth can do the same, but not for app clients whose refresh tokens rotate, and for those
        # with a secret only when it is told the user's name.
        request = {"RefreshToken": refresh_token, **self._secret}
        try:
            answer = await self._ask("GetTokensFromRefreshToken", request)
        except _RefusedError as error:
            raise _refresh_problem(error) from error
        return _issued(answer)

    async def revoke(self, refresh_token: str) -> None:
        """Let Cognito refuse a refresh token, and the access tokens that came from it.

        Raises:
            RetryableError: Cognito is away or busy.
            PermanentError: it refuses.
        """
        try:
            await self._ask("RevokeToken", {"Token": refresh_token, **self._secret})
        except _RefusedError as error:
            raise _other_problem(error) from error

    @property
    def _secret(self) -> dict[str, str]:
        secret = self._pool.client_secret
        return {} if secret is None else {"ClientSecret": secret.get_secret_value()}

    def _secret_hash(self, secret: SecretStr, username: str) -> str:
        message = f"{username}{self._pool.client_id}".encode()
        digest = hmac.digest(secret.get_secret_value().encode(), message, hashlib.sha256)
        return base64.b64encode(digest).decode()

    async def _ask(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"AWSCognitoIdentityProviderService.{operation}",
        }
        body = json.dumps({"ClientId": self._pool.client_id, **request}).encode()
        answer = await ask("POST", self._pool.url, headers=headers, body=body)
        document = _document(answer.body)
        if answer.status < _FIRST_SERVER_ERROR_STATUS and (code := _error_code(document)):
            raise _RefusedError(code, str(document.get("message")))
        check_status(answer.status, answer.retry_after)
        return document


def _may_be_credentials(username: str, password: str) -> bool:
    # What no user can have is not asked: Cognito would call it a fault of ours.
    name_fits = 0 < len(username) <= _LONGEST_USERNAME and username.isprintable() and " " not in username
    return name_fits and 0 < len(password) <= _LONGEST_PASSWORD


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _error_code(document: dict[str, Any]) -> str | None:
    kind = document.get("__type")
    if not isinstance(kind, str):
        return None
    code = kind.rpartition("#")[2]
    return code if _ERROR_CODE.fullmatch(code) else "an error without a name"


def _issued(answer: dict[str, Any]) -> IssuedTokens:
    try:
        return IssuedTokens.model_validate(answer.get("AuthenticationResult"))
    except ValidationError:
        # What it says goes nowhere: it holds tokens.
        raise PermanentError("Cognito's answer holds no tokens") from None


def _login_problem(refused: _RefusedError) -> Exception:
    if refused.code in _WRONG_CREDENTIALS:
        return LoginRefusedError()
    if refused.code in _BUSY:
        return LoginRefusedError("Too many are logging in.", retry_after=_BUSY_FOR)
    return _other_problem(refused)


def _refresh_problem(refused: _RefusedError) -> Exception:
    if refused.code == "RefreshTokenReuseException":
        return TokenRefusedError(TokenProblem.REVOKED)
    if refused.code not in _WRONG_CREDENTIALS:
        return _other_problem(refused)
    # It has one code for all that may be wrong with the token.
    for problem in (TokenProblem.EXPIRED, TokenProblem.REVOKED):
        if problem.value in refused.message.lower():
            return TokenRefusedError(problem)
    return TokenRefusedError(TokenProblem.INVALID)


def _other_problem(refused: _RefusedError) -> Exception:
    if refused.code in _BUSY:
        return RetryableError("Cognito is busy", retry_after=_BUSY_FOR)
    return PermanentError(f"Cognito refuses: {refused.code}")
