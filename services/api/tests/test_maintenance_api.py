"""Maintenance windows over HTTP: to look at, and for administrators to plan."""

from typing import Any

import httpx
import pytest
from services.api.tests.problems import detail_of, fields_of

from microgrid_api.routes import maintenance
from microgrid_common.ports.errors import RetryableError
from microgrid_common.testing.fakes.rule_store import FakeRuleStore

WORK: dict[str, Any] = {
    "device_id": "inverter-1",
    "start": "2026-11-23T08:00:00Z",
    "end": "2026-11-23T13:00:00+01:00",
    "reason": "The fan is replaced.",
}
WINDOW: dict[str, Any] = {
    "window_id": "fan",
    "grid_id": "village",
    "device_id": "inverter-1",
    "component": None,
    "start": "2026-11-23T08:00:00.000Z",
    "end": "2026-11-23T12:00:00.000Z",
    "reason": "The fan is replaced.",
    "by": "user",
}


async def plan(client: httpx.AsyncClient, path: str, **changes: Any) -> Any:
    answer = await client.put(f"/api/maintenance/{path}", json={**WORK, **changes})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def get(client: httpx.AsyncClient, path: str) -> Any:
    answer = await client.get(f"/api/maintenance/{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_work_is_planned_in_the_name_of_who_signed_in(operator: httpx.AsyncClient) -> None:
    assert await plan(operator, "village/fan") == WINDOW
    assert await get(operator, "village/fan") == WINDOW


async def test_a_plan_is_changed_by_planning_it_anew(operator: httpx.AsyncClient) -> None:
    await plan(operator, "village/fan")
    await plan(operator, "village/fan", end="2026-11-23T14:00:00Z", device_id=None)
    changed = {**WINDOW, "end": "2026-11-23T14:00:00.000Z", "device_id": None}
    assert await get(operator, "village") == [changed]


async def test_a_grid_has_its_own_windows_in_the_order_of_their_beginning(
    operator: httpx.AsyncClient,
) -> None:
    await plan(operator, "village/second")
    await plan(operator, "village/first", start="2026-11-22T00:00:00Z")
    await plan(operator, "town/fan")
    assert [window["window_id"] for window in await get(operator, "village")] == ["first", "second"]
    assert await get(operator, "nowhere") == []


async def test_a_window_of_another_grid_is_not_there(operator: httpx.AsyncClient) -> None:
    await plan(operator, "village/fan")
    for method in ("GET", "DELETE"):
        answer = await operator.request(method, "/api/maintenance/town/fan")
        assert answer.status_code == 404
        assert detail_of(answer) == "There is no such maintenance window in this grid."
    assert await get(operator, "village") == [WINDOW]


async def test_there_is_room_for_so_many_windows_of_all_grids(
    operator: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "MAXIMUM_WINDOWS", 1)
    await plan(operator, "town/fan")
    answer = await operator.put("/api/maintenance/village/fan", json=WORK)
    assert (answer.status_code, detail_of(answer)) == (
        409,
        "There can be no more than 1 windows: delete some that are over.",
    )
    await plan(operator, "town/fan", end="2026-11-23T14:00:00Z")


async def test_a_window_is_deleted_once(operator: httpx.AsyncClient) -> None:
    await plan(operator, "village/fan")
    answer = await operator.delete("/api/maintenance/village/fan")
    assert (answer.status_code, answer.json()) == (200, WINDOW)
    assert (await operator.delete("/api/maintenance/village/fan")).status_code == 404
    assert await get(operator, "village") == []


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"end": "2026-11-23T08:00:00Z"}, "end"),
        ({"end": "2026-11-23T08:30:00+01:00"}, "end"),
        ({"start": "2026-11-23T08:00:00"}, "start"),
        ({"start": "soon"}, "start"),
        ({"start": "0001-01-01T00:00:00+14:00"}, "start"),
        ({"end": "9999-12-31T23:59:59-14:00"}, "end"),
        ({"reason": ""}, "reason"),
        ({"reason": " "}, "reason"),
        ({"reason": "x" * 2_001}, "reason"),
        ({"device_id": "a/b"}, "device_id"),
        ({"component": "*"}, "component"),
        ({"by": "somebody else"}, "by"),
    ],
)
async def test_a_bad_plan_is_refused_with_its_field(
    operator: httpx.AsyncClient, changes: dict[str, Any], where: str
) -> None:
    answer = await operator.put("/api/maintenance/village/fan", json={**WORK, **changes})
    assert answer.status_code == 422
    assert fields_of(answer) == [f"body.{where}"]
    assert await get(operator, "village") == []


@pytest.mark.parametrize("path", ["a b", "village/a b", "x" * 65, "village/" + "x" * 65])
async def test_what_cannot_be_an_id_is_refused(operator: httpx.AsyncClient, path: str) -> None:
    answer = await operator.get(f"/api/maintenance/{path}")
    assert answer.status_code == 422
    assert fields_of(answer)[0] in {"path.grid_id", "path.window_id"}


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("GET", "/fan"), ("PUT", "/fan"), ("DELETE", "/fan")]
)
async def test_a_stranger_neither_sees_nor_plans_work(
    stranger: httpx.AsyncClient, rules: FakeRuleStore, method: str, path: str
) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        answer = await stranger.request(method, f"/api/maintenance/village{path}", headers=headers, json=WORK)
        assert answer.status_code == 401
    assert (await rules.book()).windows == ()


async def test_a_store_that_is_away_is_a_503(operator: httpx.AsyncClient, rules: FakeRuleStore) -> None:
    await plan(operator, "village/fan")
    for method, path in [("GET", ""), ("GET", "/fan"), ("PUT", "/fan"), ("DELETE", "/fan")]:
        rules.fail_next(RetryableError("redis: refused"))
        answer = await operator.request(method, f"/api/maintenance/village{path}", json=WORK)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
        assert detail_of(answer) == "The rule store is away."
