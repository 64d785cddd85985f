"""Logging in and out with a user pool, against a server on this machine that answers as Cognito does."""

import asyncio
import base64
import hashlib
import hmac
import socket
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import ClientTimeout, web
from pydantic import SecretStr
from structlog.testing import capture_logs

from microgrid_common.adapters.cognito import answers
from microgrid_common.adapters.cognito.identity import CognitoIdentity
from microgrid_common.adapters.cognito.user_pool import UserPool, cognito_url
from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.ports.identity import LoginRefusedError, TokenProblem, TokenRefusedError
from microgrid_common.schemas.user import Role
from microgrid_common.testing.cognito_server import (
    CLIENT_ID,
    POOL_ID,
    CognitoServer,
    PoolUser,
    cognito_server,
)
from microgrid_common.testing.fakes.revocations import FakeRevocations
from microgrid_common.testing.jwks_server import served, signing_key

PASSWORD = "correct horse battery staple"


@pytest.fixture
async def server() -> AsyncIterator[CognitoServer]:
    async with cognito_server() as server:
        server.users["maria"] = PoolUser(PASSWORD, groups=("technician:village-1", "viewer"))
        yield server


@pytest.fixture
def revocations() -> FakeRevocations:
    return FakeRevocations()


@pytest.fixture
async def identity(server: CognitoServer, revocations: FakeRevocations) -> AsyncIterator[CognitoIdentity]:
    identity = CognitoIdentity(UserPool(server.url, POOL_ID, CLIENT_ID), revocations)
    yield identity
    await identity.aclose()


async def refused(identity: CognitoIdentity, username: str, password: str) -> LoginRefusedError:
    with pytest.raises(LoginRefusedError) as caught:
        await identity.log_in(username, password)
    return caught.value


async def problem_of(identity: CognitoIdentity, token: str) -> TokenProblem:
    with pytest.raises(TokenRefusedError) as caught:
        await identity.caller(token)
    return caught.value.problem


def test_a_pool_is_known_by_its_region() -> None:
    pool = UserPool(cognito_url("eu-west-1"), POOL_ID, CLIENT_ID, SecretStr("secret"))
    assert pool.issuer == f"https://cognito-idp.eu-west-1.amazonaws.com/{POOL_ID}"
    assert "secret" not in repr(pool).replace("client_secret", "")


async def test_a_login_gives_tokens_that_tell_who_it_is(
    server: CognitoServer, identity: CognitoIdentity
) -> None:
    tokens = await identity.log_in("maria", PASSWORD)
    assert tokens.expires_in == timedelta(hours=1)
    assert tokens.refresh_token in server.logins
    caller = await identity.caller(tokens.access_token)
    assert caller == tokens.caller
    assert (caller.username, caller.role_in("village-1")) == ("maria", Role.TECHNICIAN)
    [(operation, request)] = server.requests
    assert operation == "InitiateAuth"
    assert request == {
        "ClientId": CLIENT_ID,
        "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": {"USERNAME": "maria", "PASSWORD": PASSWORD},
    }


async def test_the_client_secret_goes_along(server: CognitoServer, revocations: FakeRevocations) -> None:
    pool = UserPool(server.url, POOL_ID, CLIENT_ID, SecretStr("of-the-client"))
    identity = CognitoIdentity(pool, revocations)
    tokens = await identity.log_in("maria", PASSWORD)
    await identity.refresh(tokens.refresh_token or "")
    await identity.log_out(tokens.caller)
    [(_, login), (_, refresh), (_, revoke)] = server.requests
    digest = hmac.digest(b"of-the-client", f"maria{CLIENT_ID}".encode(), hashlib.sha256)
    assert login["AuthParameters"]["SECRET_HASH"] == base64.b64encode(digest).decode()
    assert refresh["ClientSecret"] == revoke["ClientSecret"] == "of-the-client"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("NotAuthorizedException", "Incorrect username or password."),
        ("NotAuthorizedException", "Password attempts exceeded"),
        ("NotAuthorizedException", "User is disabled."),
        ("UserNotFoundException", "User does not exist."),
        ("com.amazonaws.cognito.identity.idp.model#UserNotFoundException", "User does not exist."),
        ("UserNotConfirmedException", "User is not confirmed."),
        ("PasswordResetRequiredException", "Password reset required for the user"),
        ("UserLambdaValidationException", "PreAuthentication failed with error maria is on leave."),
    ],
)
async def test_a_refused_login_tells_nothing_about_the_user(
    server: CognitoServer, identity: CognitoIdentity, code: str, message: str
) -> None:
    usual = await refused(identity, "maria", "wrong")
    server.refuse_next(code, message)
    this = await refused(identity, "maria", "wrong")
    for error in (usual, this):
        assert str(error) == "the user name or the password is wrong"
        assert error.advice is None
        assert error.retry_after is None


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("", "x"),
        ("x" * 129, "x"),
        ("a b", "x"),
        ("a\n", "x"),
        ("\ud800", "x"),
        ("maria", ""),
        ("maria", "x" * 257),
    ],
)
async def test_what_no_user_can_have_is_not_asked(
    server: CognitoServer, identity: CognitoIdentity, username: str, password: str
) -> None:
    assert (await refused(identity, username, password)).advice is None
    assert server.requests == []


@pytest.mark.parametrize(
    ("challenge", "advice"),
    [
        ("NEW_PASSWORD_REQUIRED", "set one of your own"),
        ("SMS_MFA", "needs more than a password"),
        ("SOFTWARE_TOKEN_MFA", "needs more than a password"),
        ("MFA_SETUP", "needs more than a password"),
        ("CUSTOM_CHALLENGE", "needs more than a password"),
    ],
)
async def test_a_challenge_is_an_advice_to_who_knows_the_password(
    server: CognitoServer, identity: CognitoIdentity, challenge: str, advice: str
) -> None:
    server.users["maria"].challenge = challenge
    error = await refused(identity, "maria", PASSWORD)
    assert error.advice is not None
    assert advice in error.advice
    assert error.retry_after is None
    assert (await refused(identity, "maria", "wrong")).advice is None


@pytest.mark.parametrize("code", ["TooManyRequestsException", "LimitExceededException"])
async def test_too_many_logins_are_to_be_tried_later(
    server: CognitoServer, identity: CognitoIdentity, code: str
) -> None:
    server.refuse_next(code, "Rate exceeded")
    assert (await refused(identity, "maria", PASSWORD)).retry_after == timedelta(seconds=5)
    server.refuse_next(code, "Rate exceeded")
    with pytest.raises(RetryableError) as caught:
        await identity.refresh("refresh-1")
    assert caught.value.retry_after == timedelta(seconds=5)


@pytest.mark.parametrize(
    ("status", "document", "problem"),
    [
        (500, {"__type": "InternalErrorException"}, RetryableError),
        (503, b"<html>", RetryableError),
        (429, b"", RetryableError),
        (400, {"__type": "ResourceNotFoundException"}, PermanentError),
        (400, {"__type": "InvalidParameterException", "message": "not enabled"}, PermanentError),
        (400, {"__type": "line\nbreak"}, PermanentError),
        (400, {"__type": 5}, PermanentError),
        (403, b"blocked", PermanentError),
        (302, b"", PermanentError),
        (200, b"", PermanentError),
        (200, b"[]", PermanentError),
        (200, b"[" * 60_000, PermanentError),
        (200, {"AuthenticationResult": None}, PermanentError),
        (200, {"AuthenticationResult": {"AccessToken": 1, "ExpiresIn": 1}}, PermanentError),
        (200, {"AuthenticationResult": {"AccessToken": "x", "ExpiresIn": "soon"}}, PermanentError),
        (200, {"AuthenticationResult": {"AccessToken": "a.b.c", "ExpiresIn": 3600}}, PermanentError),
        (200, b" " * 70_000, RetryableError),
    ],
)
async def test_what_is_not_the_users_fault_is_not_a_refused_login(
    server: CognitoServer, identity: CognitoIdentity, status: int, document: Any, problem: type[Exception]
) -> None:
    server.answer_next(document, status=status)
    with pytest.raises(problem) as caught:
        await identity.log_in("maria", PASSWORD)
    assert "\n" not in str(caught.value)
    assert PASSWORD not in str(caught.value)


async def test_cognito_that_gives_no_answer_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    application = web.Application()
    application.router.add_post("/", hang)
    monkeypatch.setattr(answers, "TIMEOUT", ClientTimeout(total=0.05))
    async with served(application) as url:
        identity = CognitoIdentity(UserPool(url, POOL_ID, CLIENT_ID), FakeRevocations())
        with pytest.raises(RetryableError):
            await identity.log_in("maria", PASSWORD)


async def test_cognito_that_cannot_be_reached_is_tried_again() -> None:
    # Bound, so that nobody else can be there, and not listening.
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        identity = CognitoIdentity(UserPool(url, POOL_ID, CLIENT_ID), FakeRevocations())
        with pytest.raises(RetryableError):
            await identity.log_in("maria", PASSWORD)


async def test_a_password_is_not_sent_on(server: CognitoServer, identity: CognitoIdentity) -> None:
    """A redirection would take it elsewhere."""
    server.answer_next(b"", status=307, Location="/")
    with pytest.raises(PermanentError):
        await identity.log_in("maria", PASSWORD)
    assert server.operations() == ["InitiateAuth"]


@pytest.mark.parametrize("rotating", [False, True])
async def test_a_refresh_gives_new_tokens_of_the_same_login(
    server: CognitoServer, identity: CognitoIdentity, *, rotating: bool
) -> None:
    server.rotating = rotating
    first = await identity.log_in("maria", PASSWORD)
    second = await identity.refresh(first.refresh_token or "")
    assert second.access_token != first.access_token
    assert second.caller.login_id == first.caller.login_id
    assert (second.refresh_token == first.refresh_token) is not rotating
    third = await identity.refresh(second.refresh_token or "")
    assert third.caller.username == "maria"


@pytest.mark.parametrize(
    ("code", "message", "problem"),
    [
        ("NotAuthorizedException", "Invalid Refresh Token", TokenProblem.INVALID),
        ("NotAuthorizedException", "Refresh Token has expired", TokenProblem.EXPIRED),
        ("NotAuthorizedException", "Refresh Token has been revoked", TokenProblem.REVOKED),
        ("NotAuthorizedException", "User is disabled.", TokenProblem.INVALID),
        ("UserNotFoundException", "User does not exist.", TokenProblem.INVALID),
        ("RefreshTokenReuseException", "Refresh token reuse", TokenProblem.REVOKED),
    ],
)
async def test_a_refresh_token_is_refused(
    server: CognitoServer, identity: CognitoIdentity, code: str, message: str, problem: TokenProblem
) -> None:
    server.refuse_next(code, message)
    with pytest.raises(TokenRefusedError) as caught:
        await identity.refresh("refresh-1")
    assert caught.value.problem is problem


@pytest.mark.parametrize("refresh_token", ["", "a b", "a\n", "ü", "x" * 20_000])
async def test_what_can_be_no_refresh_token_is_not_asked(
    server: CognitoServer, identity: CognitoIdentity, refresh_token: str
) -> None:
    with pytest.raises(TokenRefusedError):
        await identity.refresh(refresh_token)
    assert server.requests == []


async def test_a_refresh_token_is_not_used_up_for_nothing(
    server: CognitoServer, identity: CognitoIdentity, revocations: FakeRevocations
) -> None:
    revocations.fail_next(RetryableError("the store is away"))
    with pytest.raises(RetryableError):
        await identity.refresh("refresh-1")
    assert server.requests == []


@pytest.mark.parametrize("token_revocation", [True, False])
async def test_a_logout_ends_all_tokens_of_the_login_and_no_other(
    server: CognitoServer, identity: CognitoIdentity, *, token_revocation: bool
) -> None:
    server.token_revocation = token_revocation
    first = await identity.log_in("maria", PASSWORD)
    refreshed = await identity.refresh(first.refresh_token or "")
    server.users["jonas"] = PoolUser("other")
    other = await identity.log_in("jonas", "other")

    await identity.log_out(refreshed.caller)

    for tokens in (first, refreshed):
        assert await problem_of(identity, tokens.access_token) is TokenProblem.REVOKED
    assert await identity.caller(other.access_token) == other.caller
    assert server.operations()[-1] == "RevokeToken"
    assert list(server.logins) == [other.refresh_token]
    with pytest.raises(TokenRefusedError):
        await identity.refresh(first.refresh_token or "")


async def test_who_has_logged_out_can_log_in_again(server: CognitoServer, identity: CognitoIdentity) -> None:
    first = await identity.log_in("maria", PASSWORD)
    await identity.log_out(first.caller)
    again = await identity.log_in("maria", PASSWORD)
    assert await identity.caller(again.access_token) == again.caller


async def test_a_logout_holds_in_another_process(
    server: CognitoServer, identity: CognitoIdentity, revocations: FakeRevocations
) -> None:
    """That one was never given the refresh token, and can end it only when it is used."""
    other = CognitoIdentity(UserPool(server.url, POOL_ID, CLIENT_ID), revocations)
    tokens = await identity.log_in("maria", PASSWORD)
    await other.log_out(tokens.caller)
    assert await problem_of(identity, tokens.access_token) is TokenProblem.REVOKED
    assert tokens.refresh_token in server.logins
    with pytest.raises(TokenRefusedError) as caught:
        await other.refresh(tokens.refresh_token or "")
    assert caught.value.problem is TokenProblem.REVOKED
    assert server.logins == {}


async def test_a_logout_is_remembered_while_the_refresh_token_lives(
    server: CognitoServer, revocations: FakeRevocations
) -> None:
    now = time.time()
    pool = UserPool(server.url, POOL_ID, CLIENT_ID)
    identity = CognitoIdentity(pool, revocations, refresh_lifetime=timedelta(days=5), now=lambda: now)
    tokens = await identity.log_in("maria", PASSWORD)
    await identity.log_out(tokens.caller)
    assert revocations.until == {tokens.caller.login_id: datetime.fromtimestamp(now, UTC) + timedelta(days=5)}


async def test_a_logout_holds_also_when_cognito_is_away(
    server: CognitoServer, identity: CognitoIdentity
) -> None:
    tokens = await identity.log_in("maria", PASSWORD)
    server.refuse_next("InternalErrorException", status=500)
    with capture_logs() as lines:
        await identity.log_out(tokens.caller)
    assert [line["event"] for line in lines] == ["cognito_login_not_ended"]
    assert await problem_of(identity, tokens.access_token) is TokenProblem.REVOKED


async def test_without_the_store_of_ended_logins_nobody_is_let_in_or_out(
    identity: CognitoIdentity, revocations: FakeRevocations
) -> None:
    tokens = await identity.log_in("maria", PASSWORD)
    revocations.fail_next(RetryableError("the store is away"), times=2)
    with pytest.raises(RetryableError):
        await identity.caller(tokens.access_token)
    with pytest.raises(RetryableError):
        await identity.log_out(tokens.caller)
    assert await identity.caller(tokens.access_token) == tokens.caller


async def test_tokens_are_good_across_a_change_of_keys(
    server: CognitoServer, identity: CognitoIdentity
) -> None:
    old = await identity.log_in("maria", PASSWORD)
    server.jwks.keys = [signing_key("two"), signing_key("one")]
    new = await identity.log_in("maria", PASSWORD)
    for tokens in (old, new):
        assert await identity.caller(tokens.access_token) == tokens.caller
