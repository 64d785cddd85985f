"""What is the same about every request: its id, its line in the log, and the headers of its answer."""

import asyncio
from typing import Any

import httpx
import pytest
import structlog
from services.api.tests.problems import detail_of, fields_of
from structlog.contextvars import get_contextvars
from structlog.testing import capture_logs

from microgrid_api.app import create_app
from microgrid_api.live.feed import LiveFeed
from microgrid_api.ports import ApiPorts
from microgrid_api.web.problems import invalid_request_answer
from microgrid_api.web.request_frame import RequestFrame
from microgrid_common.testing.fakes.alert_records import FakeAlertRecords

SECURITY_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


async def test_an_id_that_the_client_chose_comes_back_and_stands_in_the_log(
    stranger: httpx.AsyncClient,
) -> None:
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as log:
        answer = await stranger.get("/api/auth/me", headers={"X-Request-Id": "phone-1.42_a"})
    assert answer.headers["x-request-id"] == "phone-1.42_a"
    assert answer.json()["request_id"] == "phone-1.42_a"
    [line] = log
    assert line.items() >= {"request_id": "phone-1.42_a", "path": "/api/auth/me", "status": 401}.items()
    assert "request_id" not in get_contextvars()


@pytest.mark.parametrize("bad", ["", "a b", "x" * 65, 'a"', "ä", "a\tb"])
async def test_an_id_that_could_do_harm_is_replaced(stranger: httpx.AsyncClient, bad: str) -> None:
    answers = [
        await stranger.get("/healthz", headers={b"X-Request-Id": bad.encode()}),
        await stranger.get("/healthz"),
    ]
    made = {answer.headers["x-request-id"] for answer in answers}
    assert len(made) == 2
    for request_id in made:
        assert len(request_id) == 16
        assert request_id.isalnum()


@pytest.mark.parametrize(
    ("path", "status"), [("/healthz", 200), ("/nothing", 404), ("/api/auth/me", 401), ("/openapi.json", 200)]
)
async def test_every_answer_carries_security_headers(
    stranger: httpx.AsyncClient, path: str, status: int
) -> None:
    answer = await stranger.get(path)
    assert answer.status_code == status
    assert answer.headers.items() >= SECURITY_HEADERS.items()
    assert "strict-transport-security" not in answer.headers


async def test_so_do_refusals_before_any_route_and_faults(
    operator: httpx.AsyncClient, records: FakeAlertRecords
) -> None:
    records.fail_next(ZeroDivisionError("inside"))
    for answer, status in [
        (await operator.get("/healthz", headers={"Host": "evil.example"}), 421),
        (await operator.post("/api/login", content=b"x" * 70_000), 413),
        (await operator.get("/api/dashboard/alerts"), 500),
    ]:
        assert answer.status_code == status
        assert detail_of(answer)
        assert answer.headers.items() >= SECURITY_HEADERS.items()


async def test_the_page_of_the_documentation_may_load_its_script(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.get("/docs")
    policy = answer.headers["content-security-policy"]
    assert "script-src 'unsafe-inline' https://cdn.jsdelivr.net" in policy
    assert "frame-ancestors 'none'" in policy


async def test_https_is_insisted_on_where_that_is_configured(ports: ApiPorts, idle_feed: LiveFeed) -> None:
    app = create_app(ports, feed=idle_feed, hsts_seconds=86_400)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1"
    ) as client:
        answer = await client.get("/healthz")
    assert answer.headers["strict-transport-security"] == "max-age=86400"


async def test_the_log_has_neither_queries_nor_parameters_of_the_path(operator: httpx.AsyncClient) -> None:
    with capture_logs() as log:
        await operator.delete("/api/notifications/push-tokens/secret-token-1")
        await operator.get("/api/live/village-1/events?token=secret-token-2")
        await operator.get("/nowhere/" + "x" * 10_000 + "?token=secret-token-3")
    lines = [line for line in log if line["event"] == "request_served"]
    assert [line["path"] for line in lines[:2]] == [
        "/api/notifications/push-tokens/{token:path}",
        "/api/live/{grid_id}/events",
    ]
    assert len(lines[2]["path"]) == 200
    assert "secret" not in str(log)


async def test_a_fault_is_in_the_log_with_the_request_and_without_the_values_of_variables(
    operator: httpx.AsyncClient, records: FakeAlertRecords
) -> None:
    records.fail_next(ZeroDivisionError("inside"))
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as log:
        answer = await operator.get("/api/dashboard/alerts")
    [fault] = [line for line in log if line["event"] == "request_failed"]
    assert fault["request_id"] == answer.json()["request_id"]
    assert "ZeroDivisionError: inside" in fault["exception"]
    assert "prototype_token" not in str(log)


async def test_an_answer_that_breaks_off_is_not_followed_by_another() -> None:
    async def breaks_off(_scope: object, _receive: object, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ZeroDivisionError

    sent = []

    async def send(message: Any) -> None:
        sent.append(message["type"])

    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    with pytest.raises(ZeroDivisionError):
        await RequestFrame(breaks_off)(scope, asyncio.Event().wait, send)  # type: ignore[arg-type]
    assert sent == ["http.response.start"]


@pytest.mark.parametrize(
    ("location", "kind", "body", "field"),
    [
        (("query", "limit"), "int_parsing", None, "query.limit"),
        (("header", "If-Match"), "x", None, "header.If-Match"),
        (("body", 12), "json_invalid", "{", "body"),
        (("body",), "missing", None, "body"),
        (("body", "password"), "missing", {"username": "x"}, "body.password"),
        (
            ("body", "condition", "threshold", "limit"),
            "float_parsing",
            {"condition": {"type": "threshold", "limit": "x"}},
            "body.condition.limit",
        ),
        (("body", "condition", "band"), "value_error", {"condition": {"type": "band"}}, "body.condition"),
        (("body", "routes", 1, "to"), "x", {"routes": [{}, {"to": 1}]}, "body.routes.1.to"),
        (("body", "routes", 7), "x", {"routes": []}, "body.routes.7"),
        (("body", "rule", "limit"), "rule_refused", None, "body.rule.limit"),
    ],
)
def test_a_field_is_named_as_it_stands_in_what_was_sent(
    location: tuple[str | int, ...], kind: str, body: object, field: str
) -> None:
    found = [{"loc": location, "msg": "wrong", "type": kind}] * 2
    answer = invalid_request_answer({"state": {"request_id": "r"}}, found, body)
    content = bytes(answer.body)
    shown = httpx.Response(
        answer.status_code, headers={**answer.headers, "x-request-id": "r"}, content=content
    )
    assert fields_of(shown) == [field, field]
    assert detail_of(shown) == f"{field}: wrong; and 1 more."
