"""How fast requests may come, and how long their queries may be."""

from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from microgrid_api.app import create_app
from microgrid_api.live.feed import LiveFeed
from microgrid_api.ports import ApiPorts
from microgrid_api.web.request_limits import BURST_SECONDS, TokenBuckets


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_after_a_burst_requests_go_on_at_the_pace_that_is_allowed() -> None:
    clock = Seconds()
    buckets = TokenBuckets(2, monotonic=clock)
    assert [buckets.take("a") for _ in range(2 * BURST_SECONDS)] == [None] * 20
    assert buckets.take("a") == timedelta(seconds=0.5)
    assert buckets.take("b") is None
    clock.now = 0.5
    assert [buckets.take("a"), buckets.take("a")] == [None, timedelta(seconds=0.5)]
    clock.now = 1_000
    assert [buckets.take("a") for _ in range(21)].count(None) == 20


def test_of_too_many_callers_the_quietest_begins_anew() -> None:
    buckets = TokenBuckets(0.1, callers_kept=2, monotonic=Seconds())
    assert [buckets.take(caller) for caller in ("a", "b", "a", "c")][:2] == [None, None]
    assert buckets.take("b") is not None
    assert buckets.take("a") is None


def test_without_a_limit_nobody_waits() -> None:
    buckets = TokenBuckets(0)
    assert [buckets.take("a") for _ in range(1_000)] == [None] * 1_000


def client_of(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app)
    return httpx.AsyncClient(
        transport=transport,
        base_url="http://127.0.0.1",
        headers={"Authorization": "Bearer prototype_token"},
    )


async def test_an_address_that_asks_too_fast_is_told_when_to_come_back(
    ports: ApiPorts, idle_feed: LiveFeed
) -> None:
    app = create_app(ports, feed=idle_feed, address_requests_per_second=0.001)
    async with client_of(app) as client:
        answers = [await client.get("/api/auth/me") for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 429]
        assert int(answers[1].headers["Retry-After"]) > 900
        assert answers[1].headers["Content-Type"] == "application/problem+json"
        assert (await client.get("/healthz")).status_code == 200


async def test_a_user_who_asks_too_fast_is_told_when_to_come_back(
    ports: ApiPorts, idle_feed: LiveFeed
) -> None:
    app = create_app(ports, feed=idle_feed, user_requests_per_second=0.001)
    async with client_of(app) as client:
        answers = [await client.get("/api/auth/me") for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 429]
        assert "Retry-After" in answers[1].headers


@pytest.mark.parametrize("query", ["a=" + "x" * 9_000, "&".join("a=1" for _ in range(101))])
async def test_a_query_that_is_too_long_is_refused(operator: httpx.AsyncClient, query: str) -> None:
    assert (await operator.get(f"/api/auth/me?{query}")).status_code == 414


@pytest.mark.parametrize("query", ["metrics=battery_soc&metrics=consumption_kw", "a=1&b=2&%61="])
async def test_a_parameter_that_comes_twice_is_refused(operator: httpx.AsyncClient, query: str) -> None:
    answer = await operator.get(f"/api/historical/village?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["type"] == "repeated_parameter"
