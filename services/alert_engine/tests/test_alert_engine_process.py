"""The command on a real Redis: killed in the middle of its work, started before Redis, stopped in order."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from redis.asyncio import Redis as RedisClient

from microgrid_alert_engine.service import ALERT_ENGINE_GROUP
from microgrid_common.adapters.redis.connection import make_client
from microgrid_common.adapters.redis.durable_log import RedisDurableLog
from microgrid_common.ports.durable_log import Record
from microgrid_common.schemas.alert import AlertEvent, AlertStatus
from microgrid_common.schemas.reading import encode_readings
from microgrid_common.schemas.streams import ALERTS_STREAM, READINGS_KIND, readings_stream_of
from microgrid_common.testing.samples import SAMPLE_TIME, sample_reading
from microgrid_common.testing.servers import Redis
from microgrid_common.testing.service_process import service_process
from microgrid_common.testing.waiting import free_port, wait_until

pytestmark = pytest.mark.integration

SHARDS = 2
DEVICES = [(f"grid-{number % 5}", f"device-{number}") for number in range(20)]
EPISODES = 25
KILLS = 4
MODULE = "microgrid_alert_engine"


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[RedisClient]:
    client = make_client(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def settings(redis_url: str, mqtt_url: str) -> dict[str, str]:
    return {
        "MICROGRID_REDIS_URL": redis_url,
        "MICROGRID_MQTT_URL": mqtt_url,
        "MICROGRID_STREAM_SHARDS": str(SHARDS),
        "MICROGRID_HEALTH_PORT": str(free_port()),
    }


def at(seconds: float) -> datetime:
    return SAMPLE_TIME + timedelta(seconds=seconds)


async def append_step(log: RedisDurableLog, second: int) -> None:
    """One reading of each device: high load in even seconds, normal load in odd ones."""
    consumption_kw = 10.0 if second % 2 else 15.0
    await log.append(
        [
            Record(
                readings_stream_of(grid_id, SHARDS),
                READINGS_KIND,
                encode_readings(
                    [
                        sample_reading(
                            at(second), grid_id=grid_id, device_id=device_id, consumption_kw=consumption_kw
                        )
                    ]
                ),
            )
            for grid_id, device_id in DEVICES
        ]
    )


async def events(log: RedisDurableLog) -> list[AlertEvent]:
    entries = await log.read_after({ALERTS_STREAM: "0-0"}, count=100_000, wait=timedelta())
    return [AlertEvent.model_validate_json(entry.data) for entry in entries]


async def wait_for_events(log: RedisDurableLog, count: int) -> None:
    async def there() -> bool:
        return len(await events(log)) >= count

    await wait_until(there, timeout=60, description=f"{count} events")


async def nothing_is_left(client: RedisClient) -> bool:
    """Whether the engine has acknowledged all there is."""
    groups = [
        group
        for shard in range(SHARDS)
        for group in await client.xinfo_groups(f"readings:{shard}")
        if group["name"] == ALERT_ENGINE_GROUP.encode()
    ]
    return len(groups) == SHARDS and not any(group["pending"] or group["lag"] for group in groups)


async def test_killed_in_the_middle_it_raises_exactly_the_expected_alerts(
    client: RedisClient, settings: dict[str, str], tmp_path: Path
) -> None:
    log = RedisDurableLog(client)
    steps = 2 * EPISODES
    with service_process(MODULE, settings, tmp_path) as engine:
        for second in range(steps):
            await append_step(log, second)
        for kill in range(1, KILLS + 1):
            await wait_for_events(log, kill * steps * len(DEVICES) // (KILLS + 2))
            await asyncio.to_thread(engine.kill)
            assert not await nothing_is_left(client), "it was killed too late to prove anything"
            engine.start()
        await wait_until(lambda: nothing_is_left(client), timeout=60, description="the engine to be through")
    # Nobody acknowledges an alert, so each gives way to the next one.
    happened = [event for event in await events(log) if event.transition != "superseded"]
    for grid_id, device_id in DEVICES:
        assert [(event.transition, event.at) for event in happened if event.alert.device_id == device_id] == [
            ("cleared" if second % 2 else "raised", at(second)) for second in range(steps)
        ]
        assert {event.alert.grid_id for event in happened if event.alert.device_id == device_id} == {grid_id}
    for grid_id in {grid_id for grid_id, _ in DEVICES}:
        of_grid = [event.alert for event in happened if event.alert.grid_id == grid_id]
        numbers = [alert.number for alert in of_grid if alert.status is AlertStatus.ACTIVE]
        assert numbers == list(range(1, len(of_grid) // 2 + 1))
    assert "Traceback" not in engine.log()


async def test_it_waits_for_redis_says_so_once_and_goes_on(
    client: RedisClient, redis_server: Redis, settings: dict[str, str], tmp_path: Path
) -> None:
    await asyncio.to_thread(redis_server.kill)
    with service_process(MODULE, settings, tmp_path) as engine:
        await wait_until(
            lambda: "dependency_away" in engine.log(), timeout=60, description="the engine to miss Redis"
        )
        assert await ready_status(settings) == 503
        await asyncio.to_thread(redis_server.start)
        log = RedisDurableLog(client)
        await append_step(log, 0)
        await wait_for_events(log, len(DEVICES))
        assert await ready_status(settings) == 200
        assert engine.log().count("dependency_away") == engine.log().count("dependency_back") == 1


async def test_it_stops_in_order_on_a_signal(
    client: RedisClient, settings: dict[str, str], tmp_path: Path
) -> None:
    with service_process(MODULE, settings, tmp_path) as engine:
        log = RedisDurableLog(client)
        await append_step(log, 0)
        await wait_for_events(log, len(DEVICES))
        assert await asyncio.to_thread(engine.stop) == 0
    assert "Traceback" not in engine.log()


async def ready_status(settings: dict[str, str]) -> int:
    url = f"http://127.0.0.1:{settings['MICROGRID_HEALTH_PORT']}/readyz"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status
