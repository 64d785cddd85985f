"""How a grid stands right now, and how all of them do."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI
from services.api.tests.people import People, app_with, client_of
from services.api.tests.stopped_clock import Clock

from microgrid_api.live.feed import LiveFeed
from microgrid_api.ports import ApiPorts
from microgrid_common.ports.errors import RetryableError
from microgrid_common.schemas.alert import Severity
from microgrid_common.schemas.device import Device
from microgrid_common.schemas.grid import Grid
from microgrid_common.schemas.user import Role
from microgrid_common.testing.fakes.alarm_states import FakeAlarmStates
from microgrid_common.testing.fakes.alert_records import FakeAlertRecords
from microgrid_common.testing.fakes.device_registry import FakeDeviceRegistry
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.fakes.telemetry_store import FakeTelemetryStore
from microgrid_common.testing.samples import (
    SAMPLE_TIME,
    append_readings,
    put_alerts,
    sample_reading,
    sample_record,
)
from microgrid_common.testing.waiting import wait_until

MINUTE = timedelta(minutes=1)


async def test_a_grid_in_one_look(
    operator: httpx.AsyncClient,
    feed: LiveFeed,
    log: FakeDurableLog,
    *,
    ports: ApiPorts,
    states: FakeAlarmStates,
    devices: FakeDeviceRegistry,
    now: Clock,
) -> None:
    await ports.grids.put(Grid(grid_id="village", name="Kisumu", time_zone="Africa/Nairobi"))
    await devices.put([Device(grid_id="village", device_id=name) for name in ("a", "b")])
    await put_alerts(states, sample_record(grid_id="village", severity=Severity.CRITICAL))
    await append_readings(
        log,
        sample_reading(grid_id="village", device_id="a", generation_kw=4, battery_soc=75),
        sample_reading(SAMPLE_TIME + MINUTE, grid_id="village", device_id="b", generation_kw=2.5),
    )
    await wait_until(lambda: len(feed.values("village")) == 2, timeout=5, description="the values")
    now.pass_by(6 * MINUTE)
    answer = await operator.get("/api/dashboard/summary/village")
    assert answer.headers["Cache-Control"] == "private, max-age=1"
    assert answer.json() == {
        "grid_id": "village",
        "name": "Kisumu",
        "time_zone": "Africa/Nairobi",
        "at": "2026-11-23T10:06:00.000Z",
        "consumption_kW": None,
        "generation_kW": 2.5,
        "battery_soc": 75,
        "alerts": {"critical": 1, "warning": 0, "info": 0},
        "devices": {"total": 2, "connected": 0, "stale": 0},
        "newest_value_at": "2026-11-23T10:01:00.000Z",
        "values": {
            "battery_soc": {
                "value": 75,
                "unit": "%",
                "time": "2026-11-23T10:00:00.000Z",
                "age_seconds": 360,
                "stale": True,
                "devices": 1,
                "device_id": "a",
            },
            "generation_kw": {
                "value": 2.5,
                "unit": "kW",
                "time": "2026-11-23T10:01:00.000Z",
                "age_seconds": 300,
                "stale": False,
                "devices": 1,
                "device_id": "b",
            },
        },
    }


async def test_powers_of_several_devices_are_added_up(
    operator: httpx.AsyncClient, feed: LiveFeed, log: FakeDurableLog
) -> None:
    await append_readings(
        log,
        sample_reading(grid_id="village", device_id="a", consumption_kw=4),
        sample_reading(grid_id="village", device_id="b", consumption_kw=2.5),
    )
    await wait_until(
        lambda: feed.flows.of_grid("village", now=SAMPLE_TIME), timeout=5, description="the values"
    )
    await wait_until(
        lambda: feed.flows.of_grid("village", now=SAMPLE_TIME)["consumption_kw"].devices == 2,
        timeout=5,
        description="both",
    )
    summary = (await operator.get("/api/dashboard/summary/village")).json()
    assert summary["consumption_kW"] == 6.5
    value = summary["values"]["consumption_kw"]
    assert (value["value"], value["devices"], value["device_id"]) == (6.5, 2, None)


async def test_what_was_stored_before_the_start_counts(
    operator: httpx.AsyncClient, feed: LiveFeed, telemetry: FakeTelemetryStore
) -> None:
    await wait_until(lambda: feed.connected, timeout=5, description="the feed to be up")
    await telemetry.write([sample_reading(SAMPLE_TIME - MINUTE, grid_id="village", battery_soc=40.5)])
    assert (await operator.get("/api/dashboard/summary/village")).json()["battery_soc"] == 40.5


async def test_a_grid_of_which_nothing_is_known_is_empty(operator: httpx.AsyncClient, feed: LiveFeed) -> None:
    await wait_until(lambda: feed.connected, timeout=5, description="the feed to be up")
    summary = (await operator.get("/api/dashboard/summary/nowhere")).json()
    assert (summary["name"], summary["values"], summary["newest_value_at"]) == ("nowhere", {}, None)


@pytest.mark.parametrize("path", ["/api/dashboard/summary/village", "/api/overview"])
async def test_a_store_that_is_away_is_said_and_back_at_once(
    operator: httpx.AsyncClient,
    feed: LiveFeed,
    *,
    records: FakeAlertRecords,
    devices: FakeDeviceRegistry,
    path: str,
) -> None:
    await devices.put([Device(grid_id="village", device_id="a")])
    await wait_until(lambda: feed.connected, timeout=5, description="the feed to be up")
    records.fail_next(RetryableError("away"))
    answer = await operator.get(path)
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    assert (await operator.get(path)).status_code == 200


class TestOverview:
    @pytest.fixture
    async def people(self, now: Clock) -> People:
        people = People(now)
        await people.make("maria", {"mill": Role.VIEWER, "village": Role.VIEWER, "school": Role.VIEWER})
        return people

    @pytest.fixture
    def local_app(self, people: People, ports: ApiPorts, feed: LiveFeed) -> FastAPI:
        return app_with(people, ports, feed)

    @pytest.fixture
    async def maria(self, local_app: FastAPI, people: People) -> AsyncIterator[httpx.AsyncClient]:
        async with client_of(local_app, await people.token("maria")) as client:
            yield client

    async def test_it_has_ones_own_grids_page_by_page(
        self, maria: httpx.AsyncClient, ports: ApiPorts, devices: FakeDeviceRegistry, feed: LiveFeed
    ) -> None:
        await wait_until(lambda: feed.connected, timeout=5, description="the feed to be up")
        await ports.grids.put(Grid(grid_id="village", name="Kisumu"))
        await devices.put([Device(grid_id=grid, device_id="a") for grid in ("mill", "foreign", "school")])
        first = (await maria.get("/api/overview?limit=2")).json()
        assert [grid["grid_id"] for grid in first["grids"]] == ["mill", "school"]
        assert "values" not in first["grids"][0]
        rest = (await maria.get(f"/api/overview?limit=2&cursor={first['next_cursor']}")).json()
        assert ([grid["name"] for grid in rest["grids"]], rest["next_cursor"]) == (["Kisumu"], None)

    async def test_a_foreign_grid_is_as_if_it_were_not_there(self, maria: httpx.AsyncClient) -> None:
        assert (await maria.get("/api/dashboard/summary/foreign")).status_code == 404
