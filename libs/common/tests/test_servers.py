"""The test servers keep what they promise, in each back end that this machine has."""

import asyncio
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

import aiomqtt
import pytest
from influxdb_client import Point
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
from redis.asyncio import Redis as RedisClient

from microgrid_common.testing.servers import (
    BackendChoice,
    InfluxBucket,
    InfluxDB,
    Mosquitto,
    Redis,
    Server,
    ServerUnavailableError,
    influxdb,
    mosquitto,
    redis_server,
)
from microgrid_common.testing.waiting import wait_until

pytestmark = pytest.mark.integration

BACKENDS: tuple[BackendChoice, ...] = tuple(choice for choice in get_args(BackendChoice) if choice != "auto")


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> BackendChoice:
    choice: BackendChoice = request.param
    return choice


@pytest.fixture
def broker(backend: BackendChoice) -> Iterator[Mosquitto]:
    try:
        with mosquitto(backend=backend) as server:
            yield server
    except ServerUnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture
def redis(backend: BackendChoice) -> Iterator[Redis]:
    try:
        with redis_server(backend=backend) as server:
            yield server
    except ServerUnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture
def influx(backend: BackendChoice) -> Iterator[InfluxDB]:
    try:
        with influxdb(backend=backend) as server:
            yield server
    except ServerUnavailableError as error:
        pytest.skip(str(error))


async def publish_retained(server: Mosquitto, topic: str, payload: str) -> None:
    async with aiomqtt.Client(server.host, server.port) as client:
        await client.publish(topic, payload, qos=1, retain=True)


async def retained(server: Mosquitto, protocol: aiomqtt.ProtocolVersion) -> dict[str, object]:
    """What is retained, by topic. A message of our own marks the end of it."""
    found: dict[str, object] = {}
    async with aiomqtt.Client(server.host, server.port, protocol=protocol) as client:
        await client.subscribe("#", qos=1)
        await client.publish("end", qos=1)
        async for message in client.messages:
            if message.topic.value == "end":
                break
            found[message.topic.value] = message.payload
    return found


@pytest.mark.parametrize("protocol", [aiomqtt.ProtocolVersion.V311, aiomqtt.ProtocolVersion.V5])
async def test_mosquitto_keeps_messages_over_kill_and_start(
    broker: Mosquitto, protocol: aiomqtt.ProtocolVersion
) -> None:
    await publish_retained(broker, "grid/status", "online")
    broker.save()
    broker.kill()
    assert not answers(broker)
    broker.start()
    assert await retained(broker, protocol) == {"grid/status": b"online"}


async def test_mosquitto_reset_forgets_messages(broker: Mosquitto) -> None:
    await publish_retained(broker, "grid/status", "online")
    broker.save()
    broker.reset()
    assert await retained(broker, aiomqtt.ProtocolVersion.V5) == {}


async def test_mosquitto_takes_a_10_megabyte_message(broker: Mosquitto) -> None:
    await publish_retained(broker, "grid/large", "x" * 10_000_000)
    found = await retained(broker, aiomqtt.ProtocolVersion.V5)
    assert {
        topic: len(str(payload, "ascii")) for topic, payload in found.items() if isinstance(payload, bytes)
    } == {"grid/large": 10_000_000}


async def test_redis_keeps_acknowledged_writes_over_kill_and_start(redis: Redis) -> None:
    await store(redis, "reading", "10.5")
    redis.kill()
    assert not answers(redis)
    redis.start()
    assert await stored(redis, "reading") == b"10.5"


async def store(redis: Redis, key: str, value: str) -> None:
    async with RedisClient.from_url(redis.url) as client:
        await client.set(key, value)


async def stored(redis: Redis, key: str) -> object:
    async with RedisClient.from_url(redis.url) as client:
        return await client.get(key)


async def test_redis_is_configured_as_a_durable_log(redis: Redis) -> None:
    async with RedisClient.from_url(redis.url) as client:
        config = await client.config_get("append*", "maxmemory-policy")
    assert config["appendonly"] == "yes"
    assert config["appendfsync"] == "always"
    assert config["maxmemory-policy"] == "noeviction"


async def test_influxdb_keeps_acknowledged_points_over_kill_and_start(influx: InfluxDB) -> None:
    bucket = influx.create_bucket("kept")
    await write_point(bucket, 10.5)
    influx.kill()
    assert not answers(influx)
    influx.start()
    assert await points(bucket) == [10.5]


async def write_point(bucket: InfluxBucket, value: float) -> None:
    async with InfluxDBClientAsync(bucket.url, bucket.token, bucket.org) as client:
        await client.write_api().write(bucket.bucket, record=Point("reading").field("consumption_kw", value))


async def points(bucket: InfluxBucket) -> list[float]:
    async with InfluxDBClientAsync(bucket.url, bucket.token, bucket.org) as client:
        tables = await client.query_api().query(f'from(bucket: "{bucket.bucket}") |> range(start: -1h)')
    return [record.get_value() for table in tables for record in table.records]


async def test_a_paused_server_accepts_and_does_not_answer(redis: Redis) -> None:
    redis.pause()
    with socket.create_connection((redis.host, redis.port), timeout=5) as connection:
        connection.settimeout(0.3)
        connection.sendall(b"PING\r\n")
        with pytest.raises(TimeoutError):
            connection.recv(16)
        redis.resume()
        connection.settimeout(5)
        assert connection.recv(16) == b"+PONG\r\n"


async def test_stop_and_start_keep_address_and_data(redis: Redis) -> None:
    address = urlsplit(redis.url)
    await store(redis, "reading", "10.5")
    redis.stop()
    assert not answers(redis)
    redis.start()
    assert await stored(redis, "reading") == b"10.5"
    assert urlsplit(redis.url) == address


async def test_nothing_outlives_a_killed_run(backend: BackendChoice, tmp_path: Path) -> None:
    program = (
        "import time\n"
        "from microgrid_common.testing.servers import redis_server\n"
        f"with redis_server(backend={backend!r}) as server:\n"
        "    print(server.port, flush=True)\n"
        "    time.sleep(60)\n"
    )
    run = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert run.stdout is not None
    first_line = await run.stdout.readline()
    if not first_line:
        _, errors = await run.communicate()
        assert ServerUnavailableError.__name__ in errors.decode()
        pytest.skip(errors.decode().splitlines()[-1])
    port = int(first_line)
    assert port_answers(port)
    run.terminate()
    await run.wait()
    await wait_until(lambda: not port_answers(port), timeout=60, description="the orphaned server to end")
    await wait_until(lambda: not list(tmp_path.iterdir()), timeout=60, description="its data to be removed")


async def test_fixtures_give_a_clean_state(
    mqtt_url: str, mosquitto_server: Mosquitto, redis_url: str, influx_bucket: InfluxBucket
) -> None:
    assert mqtt_url == mosquitto_server.url
    assert await retained(mosquitto_server, aiomqtt.ProtocolVersion.V5) == {}
    async with RedisClient.from_url(redis_url) as client:
        assert await client.dbsize() == 0
    assert await points(influx_bucket) == []


def answers(server: Server) -> bool:
    return port_answers(server.port)


def port_answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
