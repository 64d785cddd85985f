"""Requests, as Prometheus sees them: by the template of their route, never by what a client made up."""

import httpx
from prometheus_client import REGISTRY

from microgrid_common.ports.errors import RetryableError
from microgrid_common.testing.fakes.alert_records import FakeAlertRecords
from microgrid_common.testing.fakes.durable_log import FakeDurableLog


def answered(method: str, route: str, status: int) -> float:
    labels = {"method": method, "route": route, "status": str(status)}
    return REGISTRY.get_sample_value("microgrid_api_requests_total", labels) or 0


def timed(method: str, route: str) -> float:
    labels = {"method": method, "route": route}
    return REGISTRY.get_sample_value("microgrid_api_request_seconds_count", labels) or 0


def routes_shown() -> set[str]:
    return {
        sample.labels["route"]
        for family in REGISTRY.collect()
        if family.name == "microgrid_api_requests"
        for sample in family.samples
    }


async def test_a_request_counts_for_the_template_of_its_route(operator: httpx.AsyncClient) -> None:
    template = "/api/alerts/{grid_id}/load"
    before = answered("GET", template, 200), timed("GET", template)
    await operator.get("/api/alerts/village-1/load")
    assert answered("GET", template, 200) == before[0] + 1
    assert timed("GET", template) == before[1] + 1


async def test_each_status_is_counted_apart(stranger: httpx.AsyncClient) -> None:
    before = answered("GET", "/healthz", 200), answered("GET", "/api/auth/me", 401)
    await stranger.get("/healthz")
    await stranger.get("/api/auth/me")
    assert answered("GET", "/healthz", 200) == before[0] + 1
    assert answered("GET", "/api/auth/me", 401) == before[1] + 1


async def test_paths_and_methods_that_are_made_up_share_one_series(stranger: httpx.AsyncClient) -> None:
    routes_before = routes_shown() | {"unknown"}
    before = answered("GET", "unknown", 404), answered("other", "unknown", 404)
    for number in range(5):
        await stranger.get(f"/made/up/{number}")
        await stranger.request(f"MADEUP{number}", "/made/up")
    assert answered("GET", "unknown", 404) == before[0] + 5
    assert answered("other", "unknown", 404) == before[1] + 5
    assert routes_shown() == routes_before


async def test_a_fault_counts_as_500_and_a_store_that_is_away_as_503(
    operator: httpx.AsyncClient, records: FakeAlertRecords
) -> None:
    route = "/api/dashboard/alerts"
    before = answered("GET", route, 500), answered("GET", route, 503)
    records.fail_next(ZeroDivisionError("inside"))
    await operator.get(route)
    records.fail_next(RetryableError("away"))
    await operator.get(route)
    assert answered("GET", route, 500) == before[0] + 1
    assert answered("GET", route, 503) == before[1] + 1


async def test_the_figures_say_whether_the_stores_answer(
    stranger: httpx.AsyncClient, log: FakeDurableLog
) -> None:
    assert 'microgrid_dependency_up{dependency="redis"} 1.0' in (await stranger.get("/metrics")).text
    log.fail_next(RetryableError("away"))
    assert 'microgrid_dependency_up{dependency="redis"} 0.0' in (await stranger.get("/metrics")).text
