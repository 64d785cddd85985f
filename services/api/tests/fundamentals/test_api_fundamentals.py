"""The API in five steps: each test is one thing that a client does."""

import httpx
import pytest
from fastapi import FastAPI

from microgrid_api.live.feed import LiveFeed
from microgrid_common.ports.telemetry_store import TelemetryStore
from microgrid_common.testing.asgi_websocket import asgi_websocket
from microgrid_common.testing.fakes.alarm_states import FakeAlarmStates
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.samples import append_readings, put_alerts, sample_reading, sample_record
from microgrid_common.testing.waiting import wait_until

pytestmark = pytest.mark.usefixtures("virtual_time")


async def test_a_user_signs_in_and_gets_a_token(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.post("/api/login", json={"username": "user", "password": "password"})
    assert answer.status_code == 200
    assert answer.json() == {"token": "prototype_token"}


async def test_the_dashboard_shows_the_newest_values(
    operator: httpx.AsyncClient, log: FakeDurableLog, feed: LiveFeed
) -> None:
    await append_readings(log, sample_reading(consumption_kw=10.5, generation_kw=9.8, battery_soc=75))

    async def shown() -> httpx.Response:
        answer = await operator.get("/api/dashboard/realtime")
        return answer.raise_for_status()

    answer = await wait_until(shown, timeout=5, description="the values to be shown")
    assert answer.text == '{"consumption_kW":10.5,"generation_kW":9.8,"battery_soc":75}'


async def test_the_dashboard_shows_the_active_alerts(
    operator: httpx.AsyncClient, states: FakeAlarmStates
) -> None:
    await put_alerts(states, sample_record())
    answer = await operator.get("/api/dashboard/alerts")
    assert answer.json() == [
        {
            "id": "alert-1",
            "message": "Load Abnormality: Unusual load increase detected.",
            "timestamp": "2026-11-23T10:00:00.000Z",
            "severity": "warning",
        }
    ]


async def test_the_dashboard_shows_the_history_of_a_metric(
    operator: httpx.AsyncClient, telemetry: TelemetryStore
) -> None:
    await telemetry.write([sample_reading(consumption_kw=10.5)])
    answer = await operator.get(
        "/api/dashboard/historical", params={"metric": "consumption_kW", "period": "24h"}
    )
    assert answer.json() == [{"time": "2026-11-23T10:00:00.000Z", "value": 10.5}]


async def test_a_live_connection_gives_the_state_and_then_every_change(
    app: FastAPI, log: FakeDurableLog, states: FakeAlarmStates, feed: LiveFeed
) -> None:
    async with asgi_websocket(app, "/api/live", query="token=prototype_token") as client:
        assert await client.receive() == {"type": "snapshot", "readings": {}, "alerts": []}

        await append_readings(log, sample_reading(consumption_kw=14.2))
        assert await client.receive() == {
            "type": "reading",
            "readings": {
                "consumption_kw": {
                    "value": 14.2,
                    "time": "2026-11-23T10:00:00.000Z",
                    "device_id": "prototype",
                }
            },
        }

        await put_alerts(states, sample_record())
        message = await client.receive()
        assert (message["type"], message["transition"]) == ("alert", "raised")
        assert message["alert"]["message"] == "Load Abnormality: Unusual load increase detected."
