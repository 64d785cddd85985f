"""The API for users of a user pool, against a server on this machine that answers as Cognito does."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from services.api.tests.people import client_of
from services.api.tests.problems import detail_of

from microgrid_api.app import create_app
from microgrid_api.live.feed import LiveFeed
from microgrid_api.ports import ApiPorts
from microgrid_api.settings import ApiSettings
from microgrid_api.wiring import build
from microgrid_common.adapters.cognito.identity import CognitoIdentity
from microgrid_common.adapters.cognito.user_pool import UserPool
from microgrid_common.ports.identity import TokenRefusedError
from microgrid_common.testing.cognito_server import (
    CLIENT_ID,
    POOL_ID,
    CognitoServer,
    PoolUser,
    cognito_server,
)
from microgrid_common.testing.fakes.revocations import FakeRevocations
from microgrid_common.testing.jwks_server import signed, signing_key

MARIA = {"username": "maria", "password": "correct horse"}


@pytest.fixture
async def server() -> AsyncIterator[CognitoServer]:
    async with cognito_server() as server:
        server.users["maria"] = PoolUser(MARIA["password"], groups=("community_operator:default",))
        yield server


@pytest.fixture
async def app(server: CognitoServer, ports: ApiPorts, idle_feed: LiveFeed) -> AsyncIterator[FastAPI]:
    identity = CognitoIdentity(UserPool(server.url, POOL_ID, CLIENT_ID), FakeRevocations())
    yield create_app(replace(ports, identity=identity), feed=idle_feed)
    await identity.aclose()


async def log_in(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.post("/api/auth/login", json=MARIA)
    assert answer.status_code == 200, answer.text
    client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    tokens: dict[str, Any] = answer.json()
    return tokens


async def test_a_login_lasts_from_its_tokens_to_the_logout(app: FastAPI, ports: ApiPorts) -> None:
    async with client_of(app) as client:
        tokens = await log_in(client)
        assert (tokens["token_type"], tokens["expires_in"]) == ("bearer", 3600)
        me = (await client.get("/api/auth/me")).json()
        assert (me["username"], me["grants"]) == ("maria", {"default": "community_operator"})
        assert (await client.get("/api/grids/default")).status_code == 200
        # Of a grid that she has no role in she does not learn that it exists.
        assert (await client.get("/api/grids/village-1")).status_code == 404

        renewed = await client.post("/api/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
        client.headers["Authorization"] = f"Bearer {renewed.json()['access_token']}"
        await client.post("/api/notifications/push-tokens", json={"token": "t", "platform": "android"})
        assert len(await ports.push_tokens.of_user("maria")) == 1

        assert (await client.post("/api/auth/logout")).status_code == 204
        assert await ports.push_tokens.of_user("maria") == []
        for token in (tokens["access_token"], renewed.json()["access_token"]):
            client.headers["Authorization"] = f"Bearer {token}"
            assert (await client.get("/api/auth/me")).status_code == 401
        again = await client.post("/api/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
        assert again.status_code == 401


async def test_forged_tokens_are_refused_and_those_of_before_a_change_of_keys_are_not(
    app: FastAPI, server: CognitoServer
) -> None:
    good = server.token()
    claims = server.claims()
    now = int(time.time())
    server.jwks.keys = [signing_key("two"), signing_key("one")]
    forged = {
        "of another pool": server.token(iss=f"{server.url}/eu-west-1_Other"),
        "of another client": server.token(client_id="other"),
        "an id token": server.token(token_use="id", aud=CLIENT_ID),
        "expired": server.token(iat=now - 7200, exp=now - 3600),
        "another key": signed(claims, signing_key("forged"), kid="one"),
        "an unknown key": signed(claims, signing_key("forged")),
        "without a signature": ".".join([*good.split(".")[:2], ""]),
    }
    async with client_of(app) as client:
        for kind, token in forged.items():
            client.headers["Authorization"] = f"Bearer {token}"
            answer = await client.get("/api/auth/me")
            assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer"), kind
        for token in (good, server.token()):
            client.headers["Authorization"] = f"Bearer {token}"
            assert (await client.get("/api/auth/me")).status_code == 200


async def test_a_refusal_says_what_to_do_where_that_tells_nobody_else_anything(
    app: FastAPI, server: CognitoServer
) -> None:
    async with client_of(app) as client:
        details = []
        for wrong in ({"username": "nobody"}, {"password": "wrong"}):
            answer = await client.post("/api/auth/login", json=MARIA | wrong)
            assert answer.status_code == 401
            details.append(detail_of(answer))
        assert len(set(details)) == 1

        server.users["maria"].challenge = "SOFTWARE_TOKEN_MFA"
        answer = await client.post("/api/auth/login", json=MARIA)
        assert answer.status_code == 401
        assert "sign-in page of the user pool" in detail_of(answer)

        server.refuse_next("TooManyRequestsException")
        answer = await client.post("/api/auth/login", json=MARIA)
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "5")


async def test_who_is_logged_in_works_on_while_cognito_is_away(app: FastAPI, server: CognitoServer) -> None:
    async with client_of(app) as client:
        await log_in(client)
        server.jwks.status = 503
        assert (await client.get("/api/auth/me")).status_code == 200
        server.refuse_next("InternalErrorException", status=500)
        answer = await client.post("/api/auth/login", json=MARIA)
        assert answer.status_code == 503
        assert "Retry-After" in answer.headers


@pytest.mark.integration
async def test_a_logout_holds_in_every_process(server: CognitoServer, redis_url: str, tmp_path: Path) -> None:
    settings = ApiSettings(
        redis_url=redis_url,
        telemetry_store="sqlite",
        data_dir=tmp_path,
        auth_mode="cognito",
        cognito_region="eu-west-1",
        cognito_user_pool_id=POOL_ID,
        cognito_client_id=CLIENT_ID,
        cognito_url=server.url,
    )
    async with build(settings) as one, build(settings) as other:
        tokens = await one.identity.log_in(**MARIA)
        await one.identity.log_out(tokens.caller)
        with pytest.raises(TokenRefusedError):
            await other.identity.caller(tokens.access_token)
