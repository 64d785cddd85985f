"""A server that answers as a user pool of Amazon Cognito does."""

import json
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from microgrid_common.testing.jwks_server import JwksServer, served, signed

CLIENT_ID = "1h57kf5cpq17m0eml12EXAMPLE"
POOL_ID = "eu-west-1_Example01"


@dataclass
class PoolUser:
    """Somebody in the pool."""

    password: str
    groups: tuple[str, ...] = ()
    challenge: str | None = None
    """What is asked after the password."""


@dataclass
class CognitoServer:
    """Knows some users, and gives them real tokens."""

    url: str = ""
    users: dict[str, PoolUser] = field(default_factory=dict)
    jwks: JwksServer = field(default_factory=JwksServer)
    rotating: bool = False
    """Whether a refresh token is good for one use."""
    token_revocation: bool = True
    """Whether the tokens of a login have a name in common."""
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """The operation and the parameters of each request."""
    logins: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Refresh token → the claims of its login."""
    _answers: deque[web.Response] = field(default_factory=deque)

    @property
    def issuer(self) -> str:
        """What the pool calls itself."""
        return f"{self.url}/{POOL_ID}"

    def refuse_next(self, code: str, message: str = "", *, status: int = 400) -> None:
        """Answer the next request with an error."""
        self.answer_next({"__type": code, "message": message}, status=status)

    def answer_next(self, document: Any, *, status: int = 200, **headers: str) -> None:
        """Answer the next request with this."""
        answer = _answer(document, status)
        answer.headers.update(headers)
        self._answers.append(answer)

    def operations(self) -> list[str]:
        """What was asked, in order."""
        return [operation for operation, _ in self.requests]

    def claims(self, username: str = "maria", **changes: Any) -> dict[str, Any]:
        """Those of an access token; a change to None leaves one out."""
        now = int(time.time())
        user = self.users.get(username, PoolUser(""))
        claims = {
            "sub": f"sub-of-{username}",
            "cognito:groups": list(user.groups) or None,
            "iss": self.issuer,
            "client_id": CLIENT_ID,
            "origin_jti": secrets.token_hex(8) if self.token_revocation else None,
            "token_use": "access",
            "scope": "aws.cognito.signin.user.admin",
            "auth_time": now,
            "exp": now + 3600,
            "iat": now,
            "jti": secrets.token_hex(8),
            "username": username,
        }
        return {name: value for name, value in {**claims, **changes}.items() if value is not None}

    def token(self, username: str = "maria", **changes: Any) -> str:
        """An access token of the pool."""
        return signed(self.claims(username, **changes), self.jwks.keys[0])

    async def handle(self, request: web.Request) -> web.Response:
        """Answer a request to Cognito's own interface."""
        operation = request.headers["X-Amz-Target"].removeprefix("AWSCognitoIdentityProviderService.")
        parameters = json.loads(await request.read())
        self.requests.append((operation, parameters))
        if self._answers:
            return self._answers.popleft()
        return {
            "InitiateAuth": self._log_in,
            "GetTokensFromRefreshToken": self._refresh,
            "RevokeToken": self._revoke,
        }[operation](parameters)

    def _log_in(self, parameters: dict[str, Any]) -> web.Response:
        name = parameters["AuthParameters"]["USERNAME"]
        user = self.users.get(name)
        if user is None or user.password != parameters["AuthParameters"]["PASSWORD"]:
            return _error("NotAuthorizedException", "Incorrect username or password.")
        if user.challenge is not None:
            return _answer({"ChallengeName": user.challenge, "Session": "AYAB", "ChallengeParameters": {}})
        return self._issue(self.claims(name), f"refresh-{secrets.token_hex(8)}")

    def _refresh(self, parameters: dict[str, Any]) -> web.Response:
        refresh_token = parameters["RefreshToken"]
        login = self.logins.get(refresh_token)
        if login is None:
            return _error("NotAuthorizedException", "Invalid Refresh Token")
        claims = {**login, "jti": secrets.token_hex(8)}
        if not self.rotating:
            return self._issue(claims, refresh_token, tell=False)
        del self.logins[refresh_token]
        return self._issue(claims, f"refresh-{secrets.token_hex(8)}")

    def _revoke(self, parameters: dict[str, Any]) -> web.Response:
        self.logins.pop(parameters["Token"], None)
        return _answer({})

    def _issue(self, claims: dict[str, Any], refresh_token: str, *, tell: bool = True) -> web.Response:
        self.logins[refresh_token] = claims
        result = {
            "AccessToken": signed(claims, self.jwks.keys[0]),
            "ExpiresIn": 3600,
            "TokenType": "Bearer",
            **({"RefreshToken": refresh_token} if tell else {}),
        }
        return _answer({"AuthenticationResult": result, "ChallengeParameters": {}})


def _answer(document: Any, status: int = 200) -> web.Response:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return web.Response(body=body, status=status, content_type="application/x-amz-json-1.1")


def _error(code: str, message: str) -> web.Response:
    return _answer({"__type": code, "message": message}, 400)


@asynccontextmanager
async def cognito_server() -> AsyncIterator[CognitoServer]:
    """Serve a pool on the loopback interface while the block runs."""
    server = CognitoServer()
    application = web.Application()
    application.router.add_post("/", server.handle)
    application.router.add_get(f"/{POOL_ID}/.well-known/jwks.json", server.jwks.handle)
    async with served(application) as server.url:
        yield server
