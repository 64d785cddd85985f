"""Users, made and changed by administrators over HTTP."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from services.api.tests.people import PASSWORD, People, app_with, client_of
from services.api.tests.stopped_clock import Clock

from microgrid_api.live.feed import LiveFeed
from microgrid_api.ports import ApiPorts
from microgrid_common.schemas.user import Role

MARIA = {"username": "maria", "name": "María", "grants": {"village": "viewer"}, "password": PASSWORD}


@pytest.fixture
async def people(now: Clock) -> People:
    people = People(now)
    await people.make("root", {"*": Role.ADMIN})
    return people


@pytest.fixture
def local_app(people: People, ports: ApiPorts, idle_feed: LiveFeed) -> FastAPI:
    return app_with(people, ports, idle_feed)


@pytest.fixture
async def admin(local_app: FastAPI, people: People) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(local_app, await people.token("root")) as client:
        yield client


async def test_a_user_is_made_found_changed_and_removed(admin: httpx.AsyncClient) -> None:
    made = await admin.post("/api/users", json=MARIA)
    assert (made.status_code, made.headers["Location"], made.headers["ETag"]) == (
        201,
        "/api/users/maria",
        '"1"',
    )
    assert PASSWORD not in made.text
    assert (await admin.get("/api/users/maria")).json() == made.json()
    assert [user["username"] for user in (await admin.get("/api/users")).json()] == ["maria", "root"]

    change = {"name": "M", "grants": {"mill": "technician"}, "disabled": False}
    changed = await admin.put("/api/users/maria", json=change, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.json()["grants"], changed.json()["version"]) == (
        200,
        {"mill": "technician"},
        2,
    )
    late = await admin.put("/api/users/maria", json=change, headers={"If-Match": '"1"'})
    assert late.status_code == 409
    assert (await admin.put("/api/users/maria", json=change)).status_code == 422

    assert (await admin.delete("/api/users/maria")).json()["name"] == "M"
    for answer in (
        await admin.get("/api/users/maria"),
        await admin.delete("/api/users/maria"),
        await admin.put("/api/users/maria", json=change | {"version": 2}),
        await admin.put("/api/users/maria/password", json={"password": PASSWORD}),
        await admin.post("/api/users/maria/logout"),
    ):
        assert answer.status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"username": "Maria"},
        {"username": "../maria"},
        {"username": ""},
        {"name": ""},
        {"name": "a\nb"},
        {"grants": {"village": "king"}},
        {"grants": {"no grid": "viewer"}},
        {"grants": {f"g{number}": "viewer" for number in range(1_001)}},
        {"password": "short"},
        {"password": 1},
        {"admin": True},
    ],
)
async def test_a_user_that_cannot_be_is_refused(admin: httpx.AsyncClient, wrong: dict[str, object]) -> None:
    answer = await admin.post("/api/users", json=MARIA | wrong)
    assert answer.status_code == 422
    assert PASSWORD not in answer.text


async def test_a_name_that_is_taken_is_refused(admin: httpx.AsyncClient) -> None:
    assert (await admin.post("/api/users", json=MARIA)).status_code == 201
    assert (await admin.post("/api/users", json=MARIA)).status_code == 409


async def test_a_password_that_is_given_ends_the_logins(
    admin: httpx.AsyncClient, local_app: FastAPI, people: People
) -> None:
    await admin.post("/api/users", json=MARIA)
    async with client_of(local_app, await people.token("maria")) as maria:
        assert (await maria.get("/api/auth/me")).status_code == 200
        given = await admin.put("/api/users/maria/password", json={"password": "another horse"})
        assert given.status_code == 200
        assert (await maria.get("/api/auth/me")).status_code == 401
    weak = await admin.put("/api/users/maria/password", json={"password": "maria maria"})
    assert weak.status_code == 422


async def test_a_lost_phone_is_logged_out(
    admin: httpx.AsyncClient, local_app: FastAPI, people: People
) -> None:
    await admin.post("/api/users", json=MARIA)
    async with client_of(local_app, await people.token("maria")) as maria:
        assert (await admin.post("/api/users/maria/logout")).json() == {"logins_ended": 1}
        assert (await maria.get("/api/auth/me")).status_code == 401


async def test_the_last_administrator_stays(admin: httpx.AsyncClient) -> None:
    assert (await admin.delete("/api/users/root")).status_code == 409
    change = {"name": "root", "grants": {"*": "viewer"}, "version": 1}
    assert (await admin.put("/api/users/root", json=change)).status_code == 409


@pytest.mark.parametrize("grants", [{"*": Role.TECHNICIAN}, {"village": Role.ADMIN}, {}])
async def test_nobody_else_manages_users(local_app: FastAPI, people: People, grants: dict[str, Role]) -> None:
    await people.make("other", grants)
    async with client_of(local_app, await people.token("other")) as other:
        for answer in (
            await other.get("/api/users"),
            await other.get("/api/users/root"),
            await other.post("/api/users", json=MARIA),
            await other.delete("/api/users/root"),
        ):
            assert answer.status_code == 403


async def test_where_users_are_kept_elsewhere_it_is_said(operator: httpx.AsyncClient) -> None:
    assert (await operator.get("/api/users")).status_code == 409
