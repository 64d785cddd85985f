"""Every service as a process of its own, on a real Mosquitto, Redis and InfluxDB."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from microgrid_common.adapters.influx.telemetry_store import InfluxTelemetryStore
from microgrid_common.schemas.identifiers import DEFAULT_GRID_ID
from microgrid_common.testing.servers import InfluxBucket, Redis
from microgrid_common.testing.service_process import ServiceProcess, service_process
from microgrid_common.testing.waiting import free_port, wait_until

pytestmark = pytest.mark.integration

SIMULATOR = Path(__file__).parents[1] / "services/simulator/data_simulator.py"
LOGIN = {"username": "user", "password": "password"}


@pytest.fixture
def settings(mqtt_url: str, redis_url: str, influx_bucket: InfluxBucket) -> dict[str, str]:
    return {
        "MICROGRID_MQTT_URL": mqtt_url,
        "MICROGRID_REDIS_URL": redis_url,
        "MICROGRID_TELEMETRY_STORE": "influx",
        "MICROGRID_INFLUX_URL": influx_bucket.url,
        "MICROGRID_INFLUX_TOKEN": influx_bucket.token,
        "MICROGRID_INFLUX_ORG": influx_bucket.org,
        "MICROGRID_INFLUX_BUCKET": influx_bucket.bucket,
        "MICROGRID_API_PORT": str(free_port()),
        "MICROGRID_INGESTOR_NAME": "test",
    }


@pytest.fixture
async def services(settings: dict[str, str], tmp_path: Path) -> AsyncIterator[dict[str, ServiceProcess]]:
    async with AsyncExitStack() as stack:
        yield {
            module: stack.enter_context(
                service_process(module, {**settings, "MICROGRID_HEALTH_PORT": str(free_port())}, tmp_path)
            )
            for module in ("microgrid_ingestor", "microgrid_alert_engine", "microgrid_api")
        }


@pytest.fixture
async def api(
    settings: dict[str, str], services: dict[str, ServiceProcess]
) -> AsyncIterator[httpx.AsyncClient]:
    """The API, signed in."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings['MICROGRID_API_PORT']}") as client:
        await wait_until(lambda: is_ready(client), timeout=60, description="the API to be ready")
        token = (await client.post("/api/login", json=LOGIN)).json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


async def is_ready(client: httpx.AsyncClient) -> bool:
    return (await client.get("/readyz")).status_code == 200


async def simulate(settings: dict[str, str], count: int) -> list[dict[str, Any]]:
    """Let `data_simulator.py` publish, and return the payloads that it printed."""
    arguments = ["--broker", settings["MICROGRID_MQTT_URL"], "--interval", "0.05", "--count", str(count)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(SIMULATOR), *arguments, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    lines = [line.partition("{") for line in output.decode().splitlines() if "microgrid/data" in line]
    return [json.loads(brace + body) for _, brace, body in lines]


async def test_what_the_simulator_publishes_is_read_back_from_the_api_and_from_influxdb(
    settings: dict[str, str], influx_bucket: InfluxBucket, api: httpx.AsyncClient
) -> None:
    sent = await simulate(settings, 20)
    # A prototype device leaves out what it measures while the broker is not there yet.
    assert 1 < len(sent) <= 20

    async def history() -> list[dict[str, Any]]:
        response = await api.get(
            "/api/dashboard/historical", params={"metric": "consumption_kW", "period": "1h"}
        )
        assert response.status_code == 200
        points: list[dict[str, Any]] = response.json()
        return points if len(points) == len(sent) else []

    points = await wait_until(history, timeout=60, description=f"{len(sent)} points of history")
    assert [(point["time"], point["value"]) for point in points] == [
        (payload["timestamp"], payload["live_power_consumption"]) for payload in sent
    ]

    newest = sent[-1]
    assert (await api.get("/api/dashboard/realtime")).json() == {
        "consumption_kW": newest["live_power_consumption"],
        "generation_kW": newest["live_generation"],
        "battery_soc": newest["battery_soc"],
    }

    start, end = datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(minutes=1)
    async with InfluxTelemetryStore(
        url=influx_bucket.url, token=influx_bucket.token, org=influx_bucket.org, bucket=influx_bucket.bucket
    ) as store:
        for metric, field in {
            "generation_kw": "live_generation",
            "battery_soc": "battery_soc",
            "equipment_temperature_c": "temp_equipment",
            "irradiance_w_m2": "solar_irradiance",
        }.items():
            stored = await store.history(DEFAULT_GRID_ID, metric, start=start, end=end)
            assert [point.value for point in stored] == [payload[field] for payload in sent], metric


async def test_the_simulators_own_alerts_do_not_double_the_engines(
    settings: dict[str, str], api: httpx.AsyncClient, services: dict[str, ServiceProcess]
) -> None:
    sent = await simulate(settings, 60)
    expected = active_after(sent)

    async def messages() -> list[str] | None:
        found = [alert["message"] for alert in (await api.get("/api/dashboard/alerts")).json()]
        return found if sorted(found) == sorted(expected) else None

    await wait_until(
        lambda: is_true(messages), timeout=60, description=f"exactly the alerts {sorted(expected)}"
    )


async def is_true(messages: Any) -> bool:
    return await messages() is not None


def active_after(sent: list[dict[str, Any]]) -> list[str]:
    """The alerts whose condition the last payload still fulfils."""
    last = sent[-1]
    rules = {
        "Load Abnormality: Unusual load increase detected.": last["live_power_consumption"] > 14.0,
        "Predictive alert: high temperature on equipment.": last["temp_equipment"] > 60.0,
        "Renewable Performance Issue: Solar output is low.": last["live_generation"] < 7.0
        and last["solar_irradiance"] > 50,
    }
    return [message for message, holds in rules.items() if holds]


async def test_redis_that_goes_away_is_named_and_everything_goes_on_when_it_is_back(
    settings: dict[str, str], api: httpx.AsyncClient, redis_server: Redis
) -> None:
    await simulate(settings, 1)
    await asyncio.to_thread(redis_server.kill)
    response = await wait_until(lambda: not_ready(api), timeout=60, description="the API to notice")
    assert response["dependencies"]["redis"] != "ok"
    assert response["dependencies"]["telemetry_store"] == "ok"
    sending = asyncio.create_task(simulate(settings, 5))
    await sending
    await asyncio.to_thread(redis_server.start)
    sent = sending.result()

    async def caught_up() -> bool:
        realtime = (await api.get("/api/dashboard/realtime")).json()
        return bool(realtime.get("consumption_kW") == sent[-1]["live_power_consumption"])

    await wait_until(caught_up, timeout=60, description="what was sent meanwhile")


async def not_ready(client: httpx.AsyncClient) -> dict[str, Any] | None:
    response = await client.get("/readyz")
    body: dict[str, Any] = response.json()
    return body if response.status_code == 503 else None
