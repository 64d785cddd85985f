"""The API on a real Redis and real telemetry stores, also when they are away."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from websockets.asyncio.client import connect

from microgrid_api.service import run
from microgrid_api.settings import ApiSettings
from microgrid_api.wiring import build
from microgrid_common.adapters.redis.alarm_states import RedisAlarmStates
from microgrid_common.adapters.redis.connection import make_client
from microgrid_common.adapters.redis.durable_log import RedisDurableLog
from microgrid_common.adapters.telemetry_stores import open_telemetry_store
from microgrid_common.testing.samples import append_readings, put_alerts, sample_reading, sample_record
from microgrid_common.testing.servers import InfluxBucket, InfluxDB, Redis
from microgrid_common.testing.waiting import free_port, wait_until

pytestmark = pytest.mark.integration

TOKEN = {"Authorization": "Bearer prototype_token"}


@pytest.fixture
def on_sqlite(redis_url: str, tmp_path: Path) -> ApiSettings:
    return ApiSettings(redis_url=redis_url, telemetry_store="sqlite", data_dir=tmp_path, api_port=free_port())


@pytest.fixture
def on_influx(redis_url: str, influx_bucket: InfluxBucket) -> ApiSettings:
    return ApiSettings(
        redis_url=redis_url,
        telemetry_store="influx",
        influx_url=influx_bucket.url,
        influx_token=SecretStr(influx_bucket.token),
        influx_org=influx_bucket.org,
        influx_bucket=influx_bucket.bucket,
        api_port=free_port(),
    )


@pytest.fixture(params=["sqlite", "influx"])
def settings(request: pytest.FixtureRequest) -> ApiSettings:
    chosen: ApiSettings = request.getfixturevalue(f"on_{request.param}")
    return chosen


@asynccontextmanager
async def running_api(settings: ApiSettings) -> AsyncIterator[httpx.AsyncClient]:
    """The API while the block runs, and a client that has signed in."""
    stop = asyncio.Event()
    async with build(settings) as ports:
        running = asyncio.create_task(
            run(
                ports,
                host=settings.api_host,
                port=settings.api_port,
                stream_shards=settings.stream_shards,
                stop=stop,
            )
        )
        address = f"http://127.0.0.1:{settings.api_port}"
        async with httpx.AsyncClient(base_url=address, headers=TOKEN, timeout=15) as client:
            await wait_until(lambda: client.get("/healthz"), timeout=60, description="the API to answer")
            yield client
        stop.set()
        await running


async def until_answer(
    client: httpx.AsyncClient, path: str, expected: Callable[[httpx.Response], bool], *, within: float = 5
) -> httpx.Response:
    last: httpx.Response | None = None

    async def answer() -> httpx.Response | None:
        nonlocal last
        last = await client.get(path)
        return last if expected(last) else None

    found = await wait_until(answer, timeout=within, description=f"the expected answer of {path}")
    assert found
    return found


def has_status(status: int) -> Callable[[httpx.Response], bool]:
    return lambda answer: answer.status_code == status


def now() -> datetime:
    time = datetime.now(UTC)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


async def test_what_the_other_services_write_is_shown(settings: ApiSettings) -> None:
    time = now()
    reading = sample_reading(time, consumption_kw=14.2, generation_kw=9.8, battery_soc=75)
    redis = make_client(settings.redis_url)
    async with open_telemetry_store(settings) as store, running_api(settings) as client:
        assert (await client.get("/readyz")).json()["status"] == "ready"
        assert (await client.get("/api/dashboard/alerts")).json() == []
        await until_answer(client, "/api/dashboard/realtime", has_status(404))

        live_url = f"ws://127.0.0.1:{settings.api_port}/api/live?token=prototype_token"
        async with connect(live_url) as live:
            assert json.loads(await live.recv())["type"] == "snapshot"
            await append_readings(RedisDurableLog(redis), reading)
            message: dict[str, Any] = json.loads(await live.recv())
            assert message["readings"]["consumption_kw"]["value"] == 14.2
            await put_alerts(RedisAlarmStates(redis), sample_record(time))
            message = json.loads(await live.recv())
            assert (message["type"], message["transition"]) == ("alert", "raised")

        realtime = await client.get("/api/dashboard/realtime")
        assert realtime.text == '{"consumption_kW":14.2,"generation_kW":9.8,"battery_soc":75}'
        (alert,) = (await client.get("/api/dashboard/alerts")).json()
        assert alert == {
            "id": "alert-1",
            "message": "Load Abnormality: Unusual load increase detected.",
            "timestamp": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "severity": "warning",
        }

        await store.write([reading])
        history = await client.get("/api/dashboard/historical?metric=consumption_kW&period=24h")
        assert history.json() == [{"time": alert["timestamp"], "value": 14.2}]
        year = await client.get("/api/dashboard/historical?metric=consumption_kW&period=366d")
        assert year.json() == history.json()
    await redis.aclose()


async def test_after_a_restart_the_stored_values_are_shown(settings: ApiSettings) -> None:
    async with open_telemetry_store(settings) as store:
        await store.write([sample_reading(now() - timedelta(hours=1), consumption_kw=7, battery_soc=50)])
    async with running_api(settings) as client:
        answer = await until_answer(client, "/api/dashboard/realtime", has_status(200))
        assert answer.json() == {"consumption_kW": 7, "generation_kW": None, "battery_soc": 50}


async def test_it_starts_without_redis_says_which_is_away_and_goes_on_by_itself(
    on_sqlite: ApiSettings, redis_server: Redis
) -> None:
    await asyncio.to_thread(redis_server.stop)
    async with running_api(on_sqlite) as client:
        answer = await until_answer(client, "/readyz", has_status(503))
        assert answer.json()["dependencies"]["telemetry_store"] == "ok"
        assert answer.json()["dependencies"]["redis"] != "ok"
        for path in ("/api/dashboard/alerts", "/api/dashboard/realtime"):
            refused = await client.get(path)
            assert (refused.status_code, int(refused.headers["Retry-After"])) == (503, 2)
        assert (await client.get("/api/dashboard/historical?metric=battery_soc")).json() == []

        await asyncio.to_thread(redis_server.start)
        await until_answer(client, "/readyz", has_status(200), within=10)
        # Nothing has come yet: it knows that as soon as it follows the log.
        await until_answer(client, "/api/dashboard/realtime", has_status(404), within=15)
        assert (await client.get("/api/dashboard/alerts")).json() == []


async def test_redis_may_go_and_come_back(
    on_sqlite: ApiSettings, redis_server: Redis, append: Callable[[float], Awaitable[None]]
) -> None:
    async with running_api(on_sqlite) as client:
        await append(1)
        await until_answer(client, "/api/dashboard/realtime", has_status(200))

        await asyncio.to_thread(redis_server.kill)
        await until_answer(client, "/api/dashboard/realtime", has_status(503))
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/api/dashboard/alerts")).status_code == 503

        await asyncio.to_thread(redis_server.start)
        await append(2)
        await until_answer(
            client,
            "/api/dashboard/realtime",
            lambda answer: answer.json().get("consumption_kW") == 2,
            within=15,
        )
        assert (await client.get("/readyz")).status_code == 200


@pytest.fixture
async def append(redis_url: str) -> AsyncIterator[Callable[[float], Awaitable[None]]]:
    redis = make_client(redis_url)

    async def append_one(consumption_kw: float) -> None:
        await append_readings(RedisDurableLog(redis), sample_reading(now(), consumption_kw=consumption_kw))

    yield append_one
    await redis.aclose()


async def test_live_values_need_no_telemetry_store(
    on_influx: ApiSettings, influxdb_server: InfluxDB, append: Callable[[float], Awaitable[None]]
) -> None:
    await asyncio.to_thread(influxdb_server.stop)
    async with running_api(on_influx) as client:
        await append(14.2)
        answer = await until_answer(client, "/api/dashboard/realtime", has_status(200))
        assert answer.json()["consumption_kW"] == 14.2
        assert (await client.get("/api/dashboard/historical?metric=battery_soc")).status_code == 503
        assert (await client.get("/readyz")).json()["dependencies"]["redis"] == "ok"

        await asyncio.to_thread(influxdb_server.start)
        await until_answer(client, "/readyz", has_status(200), within=15)
        assert (await client.get("/api/dashboard/historical?metric=battery_soc")).json() == []
