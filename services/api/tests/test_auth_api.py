"""Logging in, renewing, logging out, and who one is, over HTTP."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from services.api.tests.people import PASSWORD, People, app_with, client_of
from services.api.tests.problems import detail_of
from services.api.tests.stopped_clock import Clock

from microgrid_api.identity.local_users.token_signing import ACCESS_LIFETIME
from microgrid_api.live.feed import LiveFeed
from microgrid_api.ports import ApiPorts
from microgrid_common.ports.errors import RetryableError
from microgrid_common.ports.login_attempts import FREE_ATTEMPTS
from microgrid_common.schemas.user import Role


@pytest.fixture
async def people(now: Clock, ports: ApiPorts) -> People:
    people = People(now, push_tokens=ports.push_tokens)
    await people.make("maria", {"default": Role.COMMUNITY_OPERATOR})
    return people


@pytest.fixture
def local_app(people: People, ports: ApiPorts, idle_feed: LiveFeed) -> FastAPI:
    return app_with(people, ports, idle_feed)


async def log_in(client: httpx.AsyncClient, password: str = PASSWORD) -> dict[str, Any]:
    answer = await client.post("/api/auth/login", json={"username": "maria", "password": password})
    assert answer.status_code == 200, answer.text
    client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    tokens: dict[str, Any] = answer.json()
    return tokens


async def test_a_login_gives_tokens_that_let_one_in(local_app: FastAPI) -> None:
    async with client_of(local_app) as client:
        tokens = await log_in(client)
        assert set(tokens) == {"access_token", "token_type", "expires_in", "refresh_token"}
        assert (tokens["token_type"], tokens["expires_in"]) == ("bearer", 900)
        assert (await client.get("/api/dashboard/alerts")).json() == []


async def test_one_is_told_who_one_is_and_what_one_may(local_app: FastAPI, now: Clock) -> None:
    async with client_of(local_app) as client:
        await log_in(client)
        assert (await client.get("/api/auth/me")).json() == {
            "username": "maria",
            "grants": {"default": "community_operator"},
            "permissions": {"default": ["view", "handle_alarms"]},
            "expires_at": (now() + ACCESS_LIFETIME).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        }


async def test_the_first_endpoint_of_its_kind_still_gives_a_token(local_app: FastAPI) -> None:
    async with client_of(local_app) as client:
        answer = await client.post("/api/login", json={"username": "maria", "password": PASSWORD})
        client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        assert list(answer.json()) == ["token"]
        assert (await client.get("/api/auth/me")).status_code == 200


async def test_tokens_are_renewed(local_app: FastAPI, now: Clock) -> None:
    async with client_of(local_app) as client:
        tokens = await log_in(client)
        now.pass_by(ACCESS_LIFETIME)
        answer = await client.get("/api/auth/me")
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert "POST /api/auth/refresh" in detail_of(answer)
        renewed = await client.post("/api/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
        client.headers["Authorization"] = f"Bearer {renewed.json()['access_token']}"
        assert (await client.get("/api/auth/me")).status_code == 200
        refused = await client.post("/api/auth/refresh", json={"refresh_token": "stolen"})
        assert refused.status_code == 401


async def test_a_logout_ends_tokens_and_push_tokens_at_once(local_app: FastAPI, people: People) -> None:
    async with client_of(local_app) as client:
        tokens = await log_in(client)
        await client.post("/api/notifications/push-tokens", json={"token": "t", "platform": "android"})
        assert len(await people.push_tokens.of_user("maria")) == 1
        assert (await client.post("/api/auth/logout")).status_code == 204
        assert (await client.get("/api/auth/me")).status_code == 401
        assert await people.push_tokens.of_user("maria") == []
        answer = await client.post("/api/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
        assert answer.status_code == 401


async def test_wrong_passwords_cost_time_which_is_said(local_app: FastAPI) -> None:
    async with client_of(local_app) as client:
        wrong = {"username": "maria", "password": "wrong horse"}
        answers = [await client.post("/api/auth/login", json=wrong) for _ in range(FREE_ATTEMPTS + 1)]
        assert [answer.status_code for answer in answers] == [401] * FREE_ATTEMPTS + [429]
        assert detail_of(answers[0]) == "The user name or the password is wrong."
        assert answers[-1].headers["Retry-After"] == "1"


async def test_one_changes_ones_own_password(local_app: FastAPI) -> None:
    async with client_of(local_app) as client, client_of(local_app) as other:
        await log_in(client)
        await log_in(other)
        order = {"current_password": PASSWORD, "new_password": "another horse"}
        for changed, status in [
            ({"current_password": "wrong horse"}, 403),
            ({"new_password": "short"}, 422),
            ({}, 200),
        ]:
            answer = await client.put("/api/auth/password", json=order | changed)
            assert answer.status_code == status, answer.text
            assert "horse" not in answer.text
        assert (await other.get("/api/auth/me")).status_code == 401
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        assert (await client.get("/api/auth/me")).status_code == 200
        await log_in(other, "another horse")


async def test_while_the_store_is_away_it_is_said(local_app: FastAPI, people: People) -> None:
    async with client_of(local_app) as client:
        await log_in(client)
        people.revocations.fail_next(RetryableError("redis://secret away"))
        answer = await client.get("/api/auth/me")
        assert answer.status_code == 503
        assert "Retry-After" in answer.headers
        assert "secret" not in answer.text


async def test_where_users_log_in_elsewhere_passwords_are_not_changed_here(
    operator: httpx.AsyncClient,
) -> None:
    order = {"current_password": "password", "new_password": "another horse"}
    assert (await operator.put("/api/auth/password", json=order)).status_code == 409


async def test_the_prototypes_token_has_no_end(operator: httpx.AsyncClient) -> None:
    answer = await operator.post("/api/auth/login", json={"username": "user", "password": "password"})
    assert answer.json() == {
        "access_token": "prototype_token",
        "token_type": "bearer",
        "expires_in": None,
        "refresh_token": None,
    }
    assert (await operator.get("/api/auth/me")).json()["grants"] == {"*": "admin"}
    assert (await operator.post("/api/auth/refresh", json={"refresh_token": "any"})).status_code == 401
    assert (await operator.post("/api/auth/logout")).status_code == 204


async def test_it_is_found_under_a_name_of_its_own(local_app: FastAPI) -> None:
    # The prototype's public token alone has to be kept from pages that point their names to this machine.
    async with client_of(local_app) as client:
        assert (await client.get("/healthz")).status_code == 200
