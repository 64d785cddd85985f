"""Signing in, and what a wrong password costs."""

from datetime import timedelta

import httpx
import pytest
from services.api.tests.problems import detail_of

from microgrid_api.identity.failed_logins import FailedLogins

DASHBOARD = [
    "/api/dashboard/realtime",
    "/api/dashboard/alerts",
    "/api/dashboard/historical?metric=battery_soc",
]


@pytest.mark.parametrize(
    ("username", "password"),
    [("user", "wrong"), ("wrong", "password"), ("", ""), ("user", "password "), ("USER", "password")],
)
async def test_wrong_credentials_are_refused(
    stranger: httpx.AsyncClient, username: str, password: str
) -> None:
    answer = await stranger.post("/api/login", json={"username": username, "password": password})
    assert answer.status_code == 401
    assert detail_of(answer) == "The user name or the password is wrong."


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer prototype_token_"},
        {"Authorization": "Basic dXNlcjpwYXNzd29yZA=="},
        {"Authorization": "prototype_token"},
        {"Authorization": b"Bearer \xff\xfe"},
    ],
)
async def test_the_dashboard_needs_the_token(stranger: httpx.AsyncClient, headers: dict[str, str]) -> None:
    for path in DASHBOARD:
        answer = await stranger.get(path, headers=headers)
        assert answer.status_code == 401, path
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert "POST /api/auth/login" in detail_of(answer)


async def test_after_ten_wrong_passwords_an_address_has_to_wait(stranger: httpx.AsyncClient) -> None:
    wrong = {"username": "user", "password": "wrong"}
    statuses = [(await stranger.post("/api/login", json=wrong)).status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]

    right = await stranger.post("/api/login", json={"username": "user", "password": "password"})
    assert right.status_code == 429
    assert 0 < int(right.headers["Retry-After"]) <= 60


def test_an_address_may_try_again_when_its_oldest_failure_is_a_minute_old() -> None:
    time = 0.0
    failed = FailedLogins(limit=2, monotonic=lambda: time)
    failed.add("a")
    time = 40.0
    failed.add("a")
    assert failed.blocked_for("a") == timedelta(seconds=20)
    time = 60.0
    assert failed.blocked_for("a") is None
    failed.add("a")
    assert failed.blocked_for("a") == timedelta(seconds=40)


def test_one_address_does_not_block_another() -> None:
    failed = FailedLogins(limit=1)
    failed.add("a")
    assert failed.blocked_for("a")
    assert failed.blocked_for("b") is None


def test_only_so_many_addresses_are_remembered() -> None:
    failed = FailedLogins(limit=1, addresses_kept=2)
    for address in ("a", "b", "a", "c"):
        failed.add(address)
    assert [bool(failed.blocked_for(address)) for address in ("a", "b", "c")] == [True, False, True]
