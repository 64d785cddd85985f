"""Bad requests, limits, health, and what the API says about itself."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from services.api.tests.problems import detail_of, problems_of

from microgrid_api.app import create_app
from microgrid_api.live.feed import LiveFeed
from microgrid_api.ports import ApiPorts
from microgrid_common.ports.errors import RetryableError
from microgrid_common.testing.asgi_websocket import asgi_websocket
from microgrid_common.testing.fakes.alert_records import FakeAlertRecords
from microgrid_common.testing.fakes.durable_log import FakeDurableLog

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"user"',
        b"\xff\xfe\x00",
        b'{"username":"user"}',
        b'{"username":1,"password":2}',
        b'{"username":null,"password":"x"}',
        b'{"username":"\\ud800","password":"secret-text"}',
        b'{"username":{"$ne":""},"password":"secret-text"}',
        b'{"username":"user","password":NaN}',
        b'{"username":"' + b"a" * 300 + b'","password":"secret-text"}',
        b"[" * 60_000,
    ],
)
async def test_a_bad_body_is_refused_and_never_repeated(stranger: httpx.AsyncClient, body: bytes) -> None:
    answer = await stranger.post("/api/login", content=body, headers=JSON)
    assert answer.status_code in {400, 401, 422}
    assert detail_of(answer)
    assert "secret-text" not in answer.text


async def test_a_field_that_is_missing_is_named(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.post("/api/login", json={"username": "user"})
    assert answer.status_code == 422
    assert problems_of(answer) == [{"field": "body.password", "message": "Field required", "type": "missing"}]


async def test_a_body_that_does_not_say_that_it_is_json_is_told_so(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.post("/api/login", content=b'{"username":"user","password":"password"}')
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "header.Content-Type"


async def test_a_large_body_is_refused_by_its_length(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.post("/api/login", content=b"x" * (64 * 1024 + 1), headers=JSON)
    assert (answer.status_code, detail_of(answer)) == (413, "The body is larger than 64 KiB.")


async def test_a_large_body_without_a_length_is_refused_while_it_arrives(stranger: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1024
            yield b"x" * 1024

    answer = await stranger.post("/api/login", content=endless(), headers=JSON)
    assert (answer.status_code, detail_of(answer)) == (413, "The body is larger than 64 KiB.")
    assert sent < 128 * 1024


@pytest.mark.parametrize(
    ("host", "served"),
    [
        ("127.0.0.1:8000", True),
        ("localhost:8000", True),
        ("[::1]:8000", True),
        ("10.0.2.2:8000", True),
        ("evil.example", False),
        ("localhost.evil.example:8000", False),
        ("127.0.0.1.evil.example", False),
        ("[", False),
        ("", False),
    ],
)
async def test_a_page_cannot_reach_it_through_a_domain_of_its_own(
    stranger: httpx.AsyncClient, app: FastAPI, host: str, *, served: bool
) -> None:
    answer = await stranger.get("/healthz", headers={"Host": host})
    assert answer.status_code == (200 if served else 421)
    if not served:
        async with asgi_websocket(app, "/api/live", headers={"Host": host}) as client:
            assert await client.closed() == 1008


async def test_other_origins_may_not_read_the_answers(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.get("/healthz", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers


async def test_origins_from_the_settings_may_read_the_answers(ports: ApiPorts, idle_feed: LiveFeed) -> None:
    app = create_app(ports, feed=idle_feed, cors_origins=["http://localhost:5000"])
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        for origin, allowed in [("http://localhost:5000", "http://localhost:5000"), ("http://other", None)]:
            answer = await client.get("/healthz", headers={"Origin": origin})
            assert answer.headers.get("access-control-allow-origin") == allowed


async def test_pages_of_those_origins_may_send_and_read_versions(
    ports: ApiPorts, idle_feed: LiveFeed
) -> None:
    app = create_app(ports, feed=idle_feed, cors_origins=["http://localhost:5000"])
    origin = {"Origin": "http://localhost:5000"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1", headers=origin
    ) as client:
        asked = {
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "authorization, content-type, if-match",
        }
        assert (await client.options("/api/rules/battery-low", headers=asked)).status_code == 200
        answer = await client.get("/healthz")
        assert "ETag" in answer.headers["access-control-expose-headers"]


async def test_an_error_of_our_own_shows_nothing_of_the_inside(
    operator: httpx.AsyncClient, records: FakeAlertRecords
) -> None:
    records.fail_next(ZeroDivisionError("inside"))
    answer = await operator.get("/api/dashboard/alerts")
    assert (answer.status_code, detail_of(answer)) == (
        500,
        "The server made a mistake; it is in its log.",
    )


@pytest.mark.parametrize("path", ["/nothing", "/api/dashboard", "/api/dashboard/realtime/"])
async def test_what_is_not_there_is_a_404_in_json(operator: httpx.AsyncClient, path: str) -> None:
    answer = await operator.get(path)
    assert (answer.status_code, detail_of(answer)) == (404, "Not Found")


async def test_it_is_alive_whatever_is_away(stranger: httpx.AsyncClient, log: FakeDurableLog) -> None:
    log.fail_next(RetryableError("away"))
    answer = await stranger.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


async def test_it_is_ready_when_every_dependency_answers_and_names_the_one_that_does_not(
    stranger: httpx.AsyncClient, log: FakeDurableLog
) -> None:
    answer = await stranger.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "dependencies": {"redis": "ok", "telemetry_store": "ok"},
    }

    log.fail_next(RetryableError("connection refused"))
    answer = await stranger.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "unavailable",
        "dependencies": {"redis": "connection refused", "telemetry_store": "ok"},
    }
    assert (await stranger.get("/readyz")).status_code == 200


async def test_prometheus_finds_the_figures_of_every_service_of_the_process(
    stranger: httpx.AsyncClient,
) -> None:
    answer = await stranger.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    for figure in (
        "microgrid_live_clients",
        "microgrid_quarantined_total",
        "microgrid_readings_stored_total",
    ):
        assert f"# TYPE {figure} " in answer.text or f"# TYPE {figure.removesuffix('_total')} " in answer.text


async def test_openapi_has_an_example_for_every_answer(stranger: httpx.AsyncClient) -> None:
    document = (await stranger.get("/openapi.json")).json()
    schemas = document["components"]["schemas"]
    without_example = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["tags"], path
            for status, answer in operation["responses"].items():
                contents = answer.get("content", {})
                assert bool(contents) is (status not in {"204", "304"}), path
                for content in contents.values():
                    schema = content.get("schema", {})
                    name = schema.get("$ref", schema.get("items", {}).get("$ref", "")).rpartition("/")[2]
                    if "example" not in content and not schemas[name].get("examples"):
                        without_example.append(f"{method} {path} {status}")
    assert without_example == []
    assert json.dumps(document).count("prototype_token") == 1
