"""The ingestor as a process, while a store or the log takes nothing: it is bounded, and complete after."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web

from microgrid_common.adapters.influx.telemetry_store import InfluxTelemetryStore
from microgrid_common.adapters.redis.alert_records import RedisAlertRecords
from microgrid_common.adapters.redis.connection import make_client
from microgrid_common.adapters.redis.durable_log import RedisDurableLog
from microgrid_common.schemas.identifiers import PLATFORM_GRID_ID
from microgrid_common.schemas.reading import decode_readings
from microgrid_common.schemas.streams import READINGS_KIND, readings_streams
from microgrid_common.testing.servers import InfluxBucket, InfluxDB, Mosquitto, Redis, mosquitto
from microgrid_common.testing.service_process import ServiceProcess, service_process
from microgrid_common.testing.waiting import free_port, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

GRID = "village-1"
DEVICES = [f"meter-{number}" for number in range(10)]
START = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def broker() -> Iterator[Mosquitto]:
    """A broker that would send everything ahead: only the receive maximum keeps it back."""
    with mosquitto(max_inflight_messages=0) as server:
        yield server


@dataclass
class Ingestor:
    """An ingestor as a process, and what it put into the streams."""

    process: ServiceProcess
    health_url: str
    seen: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """Device → the numbers of its readings, in the order of the stream."""

    async def readiness(self) -> dict[str, Any]:
        async with httpx.AsyncClient() as client:
            body: dict[str, Any] = (await client.get(f"{self.health_url}/readyz")).json()
        return body

    async def figure(self, name: str) -> float:
        async with httpx.AsyncClient() as client:
            text = (await client.get(f"{self.health_url}/metrics")).text
        (value,) = (line.split()[1] for line in text.splitlines() if line.startswith(f"{name} "))
        return float(value)

    def memory(self, *, peak: bool = False) -> int:
        """Resident bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        field = "VmHWM:" if peak else "VmRSS:"
        (line,) = (line for line in status.splitlines() if line.startswith(field))
        return int(line.split()[1]) * 1024

    @property
    def count(self) -> int:
        return sum(len(numbers) for numbers in self.seen.values())

    async def until_all_are_in_the_log(self, count: int) -> None:
        await wait_until(lambda: self.count >= count, timeout=60, description=f"{count} readings in the log")


@asynccontextmanager
async def running_ingestor(
    broker: Mosquitto, redis_url: str, folder: Path, **settings: str
) -> AsyncIterator[Ingestor]:
    port = free_port()
    settings = {
        "MICROGRID_MQTT_URL": broker.url,
        "MICROGRID_REDIS_URL": redis_url,
        "MICROGRID_INGESTOR_NAME": "test",
        "MICROGRID_HEALTH_PORT": str(port),
        **settings,
    }
    with service_process("microgrid_ingestor", settings, folder) as process:
        ingestor = Ingestor(process, f"http://127.0.0.1:{port}")
        following = asyncio.create_task(follow(redis_url, ingestor.seen))

        async def connected() -> bool:
            return bool((await ingestor.readiness())["dependencies"]["mqtt"] == "ok")

        await wait_until(connected, timeout=60, description="the ingestor's session")
        yield ingestor
        # The Redis client may take a cancellation that comes together with an answer for its own.
        while not following.done():
            following.cancel()
            await asyncio.wait([following], timeout=1)


async def follow(redis_url: str, seen: dict[str, list[int]]) -> None:
    """Note every reading that is appended to the streams."""
    client = make_client(f"{redis_url}?socket_timeout=60")
    positions = dict.fromkeys(readings_streams(4), "0-0")
    try:
        while True:
            entries = await RedisDurableLog(client).read_after(
                positions, count=100, wait=timedelta(seconds=1)
            )
            for entry in entries:
                positions[entry.stream] = entry.id
                if entry.kind == READINGS_KIND:
                    for reading in decode_readings(entry.data):
                        assert reading.seq is not None
                        seen[reading.device_id].append(reading.seq)
    finally:
        await client.aclose()


def influx_settings(bucket: InfluxBucket) -> dict[str, str]:
    return {
        "MICROGRID_TELEMETRY_STORE": "influx",
        "MICROGRID_INFLUX_URL": bucket.url,
        "MICROGRID_INFLUX_TOKEN": bucket.token,
        "MICROGRID_INFLUX_ORG": bucket.org,
        "MICROGRID_INFLUX_BUCKET": bucket.bucket,
    }


async def publish(broker: Mosquitto, numbers: range, *, samples: int = 1, padding: int = 0) -> None:
    """Let every device publish the readings of these numbers, so many in a message, with so many blanks."""
    for device_id in DEVICES:
        messages = []
        for first in numbers[::samples]:
            batch = [sample(number) for number in range(first, min(first + samples, numbers.stop))]
            payload = {"schema": 1, "samples": batch} if samples > 1 else {"schema": 1, **batch[0]}
            messages.append(json.dumps(payload).encode() + b" " * padding)
        await publish_at_once(broker, f"microgrid/{GRID}/device/{device_id}/telemetry", messages)


async def publish_at_once(broker: Mosquitto, topic: str, payloads: list[bytes]) -> None:
    """Publish without waiting for each acknowledgement, in MQTT 3.1.1, which limits nothing."""
    reader, writer = await asyncio.open_connection("127.0.0.1", broker.port)
    writer.write(b"\x10\x11\x00\x04MQTT\x04\x02\x00\x3c\x00\x05burst")
    assert await reader.readexactly(4) == b"\x20\x02\x00\x00"
    writer.writelines(
        publication(topic, payload, packet_id) for packet_id, payload in enumerate(payloads, start=1)
    )
    # Each acknowledgement has four bytes.
    await reader.readexactly(4 * len(payloads))
    writer.close()
    await writer.wait_closed()


def publication(topic: str, payload: bytes, packet_id: int) -> bytes:
    """A PUBLISH with QoS 1."""
    body = len(topic).to_bytes(2, "big") + topic.encode() + packet_id.to_bytes(2, "big") + payload
    size, length = len(body), b""
    while size > 0x7F:
        length += bytes([size & 0x7F | 0x80])
        size >>= 7
    return b"\x32" + length + bytes([size]) + body


def sample(number: int) -> dict[str, Any]:
    time = (START + timedelta(seconds=number)).isoformat()
    return {
        "timestamp": time,
        "boot_id": "5f2c",
        "seq": number,
        "metrics": {"consumption_kw": 10 + number % 50 / 10, "battery_soc": number % 100},
    }


async def until_all_are_stored(bucket: InfluxBucket, count: int) -> None:
    """Wait until every device has exactly so many points, each with its value."""
    async with InfluxTelemetryStore(
        url=bucket.url, token=bucket.token, org=bucket.org, bucket=bucket.bucket
    ) as store:
        for device_id in DEVICES:

            async def values(device_id: str = device_id) -> list[float] | None:
                end = START + timedelta(days=2)
                points = await store.history(GRID, "battery_soc", start=START, end=end, device_id=device_id)
                return [point.value for point in points] if len(points) >= count else None

            found = await wait_until(
                values, timeout=60, description=f"the readings of {device_id} in InfluxDB"
            )
            assert found == [number % 100 for number in range(count)]


async def test_while_redis_hangs_memory_is_bounded_and_nothing_is_lost_or_doubled(
    broker: Mosquitto, redis_url: str, redis_server: Redis, tmp_path: Path
) -> None:
    broker.reset()
    settings = {"MICROGRID_TELEMETRY_STORE": "sqlite", "MICROGRID_MQTT_RECEIVE_MAXIMUM": "1000"}
    async with running_ingestor(broker, redis_url, tmp_path, **settings) as ingestor:
        await publish(broker, range(200))
        await ingestor.until_all_are_in_the_log(2_000)
        at_rest = ingestor.memory()
        await asyncio.to_thread(redis_server.pause)
        try:
            await publish(broker, range(200, 2_200), padding=3_000)
            await wait_until(
                lambda: "dependency_away" in ingestor.process.log(), timeout=60, description="it to notice"
            )
            growth = ingestor.memory() - at_rest
        finally:
            await asyncio.to_thread(redis_server.resume)
        await ingestor.until_all_are_in_the_log(22_000)
    # 20,000 messages of 3 kB wait, of which 1,000 may be here.
    assert growth < 10 * MEGABYTE
    assert ingestor.seen == {device_id: list(range(2_200)) for device_id in DEVICES}


@pytest.mark.parametrize("mended", ["the store comes back", "the limit is raised"])
async def test_before_the_log_is_full_the_receiver_waits_says_so_and_goes_on_when_there_is_room(  # noqa: PLR0917 - fixtures
    mended: str,
    broker: Mosquitto,
    redis_url: str,
    influxdb_server: InfluxDB,
    influx_bucket: InfluxBucket,
    tmp_path: Path,
) -> None:
    broker.reset()
    client = make_client(redis_url)
    records = RedisAlertRecords(client)

    async def active() -> list[str]:
        return sorted(alert.rule_id for alert in await records.active_alerts(PLATFORM_GRID_ID))

    async def readings_in_all_streams() -> tuple[int, int]:
        streams = [await client.xinfo_stream(stream) for stream in await client.keys("readings:*")]
        return sum(found["length"] for found in streams), sum(found["entries-added"] for found in streams)

    await asyncio.to_thread(influxdb_server.stop)
    limit = (await client.info("memory"))["used_memory"] + 10 * MEGABYTE
    await client.config_set("maxmemory", str(limit))
    try:
        async with running_ingestor(
            broker,
            redis_url,
            tmp_path,
            MICROGRID_MQTT_RECEIVE_MAXIMUM="100",
            **influx_settings(influx_bucket),
        ) as ingestor:
            count = 12_000
            publishing = asyncio.create_task(publish(broker, range(count), samples=20))

            async def is_full() -> bool:
                return "% full" in (await ingestor.readiness())["dependencies"]["log_capacity"]

            await wait_until(is_full, timeout=60, description="the log to be full")
            await publishing
            await wait_until(
                lambda: is_so(active, ["log-filling", "log-full"]), timeout=60, description="both alerts"
            )
            assert ingestor.count < count * len(DEVICES)
            assert await ingestor.figure("microgrid_log_used_ratio") >= 0.85
            length, added = await readings_in_all_streams()
            assert length == added
            stats = await client.info("stats")
            assert stats["evicted_keys"] == 0
            assert (await client.info("memory"))["used_memory"] < limit

            if mended == "the limit is raised":
                await client.config_set("maxmemory", str(10 * limit))
            else:
                await asyncio.to_thread(influxdb_server.start)
            await ingestor.until_all_are_in_the_log(count * len(DEVICES))
            await wait_until(lambda: is_so(active, []), timeout=60, description="the alerts to end")
            await asyncio.to_thread(influxdb_server.start)
            await until_all_are_stored(influx_bucket, count)
        assert ingestor.seen == {device_id: list(range(count)) for device_id in DEVICES}
    finally:
        await client.config_set("maxmemory", "0")
        await client.aclose()


async def is_so(ask: Any, expected: list[str]) -> bool:
    return bool(await ask() == expected)


async def test_a_store_that_was_away_for_long_gets_everything_with_bounded_memory(
    broker: Mosquitto,
    redis_url: str,
    influxdb_server: InfluxDB,
    influx_bucket: InfluxBucket,
    tmp_path: Path,
) -> None:
    broker.reset()
    async with running_ingestor(broker, redis_url, tmp_path, **influx_settings(influx_bucket)) as ingestor:
        await publish(broker, range(200), samples=20)
        await until_all_are_stored(influx_bucket, 200)
        at_rest = ingestor.memory()
        await asyncio.to_thread(influxdb_server.kill)
        count = 10_000
        await publish(broker, range(200, count), samples=20)
        await ingestor.until_all_are_in_the_log(count * len(DEVICES))
        while_away = ingestor.memory() - at_rest
        await asyncio.to_thread(influxdb_server.start)
        await until_all_are_stored(influx_bucket, count)
        catching_up = ingestor.memory() - at_rest
    # 100,000 readings wait, which as objects take more than 100 MB.
    assert max(while_away, catching_up) < 40 * MEGABYTE
    assert ingestor.seen == {device_id: list(range(count)) for device_id in DEVICES}


async def test_a_backlog_of_large_messages_takes_bounded_memory(
    broker: Mosquitto, redis_url: str, redis_server: Redis, influx_bucket: InfluxBucket, tmp_path: Path
) -> None:
    broker.reset()
    async with running_ingestor(broker, redis_url, tmp_path, **influx_settings(influx_bucket)) as ingestor:
        await publish(broker, range(200), samples=20)
        await until_all_are_stored(influx_bucket, 200)
        at_rest = ingestor.memory(peak=True)
        count = 25_000
        await asyncio.to_thread(redis_server.pause)
        try:
            await publish(broker, range(200, count), samples=200)
        finally:
            await asyncio.to_thread(redis_server.resume)
        await until_all_are_stored(influx_bucket, count)
        growth = ingestor.memory(peak=True) - at_rest
    # 27 MB of messages wait, which as objects take ten times that.
    assert growth < 30 * MEGABYTE
    assert ingestor.seen == {device_id: list(range(count)) for device_id in DEVICES}


async def test_a_store_that_asks_for_time_gets_it(broker: Mosquitto, redis_url: str, tmp_path: Path) -> None:
    broker.reset()
    writes: list[tuple[float, int]] = []
    loop = asyncio.get_running_loop()

    async def write(request: web.Request) -> web.Response:
        if not await request.read():
            return web.Response(status=204)  # Whether it is ready.
        status = 204 if writes else 429
        writes.append((loop.time(), status))
        return web.Response(status=status, headers={"Retry-After": "3"})

    application = web.Application()
    application.router.add_post("/api/v2/write", write)
    runner = web.AppRunner(application)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    bucket = InfluxBucket(
        url=f"http://127.0.0.1:{port}", token="token", org="org", bucket="bucket", bucket_id=""
    )
    try:
        async with running_ingestor(broker, redis_url, tmp_path, **influx_settings(bucket)):
            payload = json.dumps({"schema": 1, **sample(1)}).encode()
            await publish_at_once(broker, f"microgrid/{GRID}/device/meter-1/telemetry", [payload])
            await wait_until(lambda: len(writes) > 1, timeout=60, description="the second attempt")
    finally:
        await runner.cleanup()
    (first, _), (second, status) = writes
    assert status == 204
    assert 3.0 <= second - first < 15.0
