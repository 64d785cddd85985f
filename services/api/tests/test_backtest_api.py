"""Trying a rule on stored readings through the API."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from services.api.tests.problems import detail_of, problems_of

from microgrid_common.ports.errors import RetryableError
from microgrid_common.schemas.device import Device
from microgrid_common.testing.fakes.device_registry import FakeDeviceRegistry
from microgrid_common.testing.fakes.telemetry_store import FakeTelemetryStore
from microgrid_common.testing.samples import SAMPLE_TIME, sample_reading

BACKTEST = "/api/rules/backtest"
RULE: dict[str, Any] = {
    "rule_id": "battery-low",
    "name": "Battery low",
    "condition": {"type": "threshold", "metric": "battery_soc", "comparison": "<", "threshold": 20},
    "severity": "warning",
    "message": "Battery at {battery_soc:.0f} %.",
}
BODY: dict[str, Any] = {"rule": RULE, "grid_id": "village-1"}


@pytest.fixture
async def history(devices: FakeDeviceRegistry, telemetry: FakeTelemetryStore) -> None:
    """A battery that was low from 7:01 to 7:04 today, and one of another grid that always is."""
    await devices.put(
        [
            Device(grid_id="village-1", device_id="battery-1", device_type="battery"),
            Device(grid_id="village-2", device_id="battery-2"),
        ]
    )
    for minute, value in enumerate([50, 19, 12, 15, 21]):
        at = SAMPLE_TIME - timedelta(hours=3) + timedelta(minutes=minute)
        await telemetry.write(
            [
                sample_reading(at, grid_id="village-1", device_id="battery-1", battery_soc=value),
                sample_reading(at, grid_id="village-2", device_id="battery-2", battery_soc=1),
            ]
        )


@pytest.mark.usefixtures("history")
async def test_the_report_says_what_the_rule_would_have_raised(operator: httpx.AsyncClient) -> None:
    answer = await operator.post(BACKTEST, json=BODY)
    assert answer.status_code == 200
    report = answer.json()
    assert (report["start"], report["end"]) == ("2026-11-16T10:00:00.000Z", "2026-11-23T10:00:00.000Z")
    assert (report["devices"], report["readings_judged"], report["alarms"]) == (1, 5, 1)
    assert report["episodes"] == [
        {
            "device_id": "battery-1",
            "raised_at": "2026-11-23T07:01:00.000Z",
            "cleared_at": "2026-11-23T07:04:00.000Z",
            "message": "Battery at 19 %.",
            "peak": {"timestamp": "2026-11-23T07:02:00.000Z", "metrics": {"battery_soc": 12}},
        }
    ]
    assert report["active_seconds"] == 180
    assert [gap["end"] for gap in report["gaps"]] == ["2026-11-23T07:00:00.000Z", "2026-11-23T10:00:00.000Z"]


@pytest.mark.usefixtures("history")
async def test_the_time_can_be_given(operator: httpx.AsyncClient) -> None:
    times = {"from": "2026-11-23T07:02:00Z", "to": "2026-11-23T07:04:00Z"}
    report = (await operator.post(BACKTEST, json=BODY | times)).json()
    assert (report["readings_judged"], report["episodes"][0]["cleared_at"]) == (2, None)


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"rule": {**RULE, "message": "{nothing}"}}, ["rule", "message"], "no metric"),
        ({"rule": {**RULE, "severity": "loud"}}, ["rule", "severity"], "critical"),
        (
            {"rule": {**RULE, "message": "Gone", "condition": {"type": "disconnected"}}},
            ["rule", "condition"],
            "not stored",
        ),
        ({"from": "2026-10-23T09:59:59Z"}, ["from"], "31 days"),
        ({"from": "2026-11-23T10:00:00Z"}, ["from"], "before `to`"),
        ({"to": "0001-01-01T00:00:00Z"}, ["to"], "after 2020-01-01"),
        ({"grid_id": "no grid"}, ["grid_id"], "pattern"),
        ({"grids": []}, ["grids"], "not permitted"),
    ],
)
async def test_what_cannot_be_tried_is_refused_by_its_field(
    operator: httpx.AsyncClient, change: dict[str, Any], field: list[str], message: str
) -> None:
    answer = await operator.post(BACKTEST, json=BODY | change)
    assert answer.status_code == 422
    problem = problems_of(answer)[0]
    assert problem["field"].startswith(".".join(["body", *field]))
    assert message in problem["message"]


async def test_one_backtest_runs_at_a_time(operator: httpx.AsyncClient, app: FastAPI) -> None:
    async with app.state.context.backtest_running:
        answer = await operator.post(BACKTEST, json=BODY)
    assert (answer.status_code, detail_of(answer)) == (503, "Another backtest is running.")
    assert (await operator.post(BACKTEST, json=BODY)).status_code == 200


@pytest.mark.usefixtures("history")
async def test_a_store_that_is_away_is_said_to_be(
    operator: httpx.AsyncClient, telemetry: FakeTelemetryStore, devices: FakeDeviceRegistry
) -> None:
    telemetry.fail_next(RetryableError("away at 10.0.0.1"))
    answer = await operator.post(BACKTEST, json=BODY)
    assert (answer.status_code, detail_of(answer)) == (503, "The telemetry store is away.")
    devices.fail_next(RetryableError("away at 10.0.0.1"))
    answer = await operator.post(BACKTEST, json=BODY)
    assert (answer.status_code, detail_of(answer)) == (503, "The device registry is away.")


async def test_nobody_tries_a_rule_without_signing_in(stranger: httpx.AsyncClient) -> None:
    assert (await stranger.post(BACKTEST, json=BODY)).status_code == 401
