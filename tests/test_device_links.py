"""Who comes and who goes, seen by two replicas of the ingestor, on real servers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

import mqtt5
import pytest
from redis.asyncio import Redis

from microgrid_common.adapters.redis.connection import make_client
from microgrid_common.adapters.redis.durable_log import RedisDurableLog
from microgrid_common.adapters.redis.link_store import RedisLinkStore
from microgrid_common.schemas.device_link import DeviceLink, LinkChange, LinkEvent
from microgrid_common.schemas.status import DeviceStatus, PresenceStatus
from microgrid_common.schemas.streams import LINK_KIND, readings_stream_of
from microgrid_common.testing.servers import Mosquitto
from microgrid_common.testing.service_process import service_process
from microgrid_common.testing.waiting import free_port, wait_until

pytestmark = pytest.mark.integration

METER = ("village-1", "meter-1")
STATUS = "microgrid/village-1/device/meter-1/status"
TELEMETRY = "microgrid/village-1/device/meter-1/telemetry"
SHARDS = 4


def status(word: str, *, boot: str = "a", connection: int = 1) -> bytes:
    return DeviceStatus(status=PresenceStatus(word), boot_id=boot, connection=connection).encode()


class Meter:
    """A device's connection, with its last will, that can be cut off without a goodbye."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        self._writer.write(mqtt5.PublishPacket(topic, payload, retain=retain).write())

    def die(self) -> None:
        self._writer.transport.abort()


@asynccontextmanager
async def meter(port: int, *, boot: str = "a", connection: int = 1) -> AsyncIterator[Meter]:
    """Connect under a client id of its own, and say so."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    offline = status("offline", boot=boot, connection=connection)
    will = mqtt5.Will(STATUS, payload=offline, qos=mqtt5.QoS.AT_LEAST_ONCE, retain=True)
    writer.write(mqtt5.ConnectPacket(f"meter-1-{boot}-{connection}", clean_start=True, will=will).write())
    assert await reader.read(1) == b"\x20"
    connected = Meter(reader, writer)
    connected.publish(STATUS, status("online", boot=boot, connection=connection), retain=True)
    try:
        yield connected
    finally:
        connected.die()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = make_client(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def start(mqtt_url: str, redis_url: str, tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """Starts a replica of the ingestor."""
    with ExitStack() as stack:

        def start_replica(name: str) -> None:
            folder = tmp_path / name
            folder.mkdir()
            settings = {
                "MICROGRID_INGESTOR_NAME": name,
                "MICROGRID_MQTT_URL": mqtt_url,
                "MICROGRID_REDIS_URL": redis_url,
                "MICROGRID_STREAM_SHARDS": str(SHARDS),
                "MICROGRID_TELEMETRY_STORE": "sqlite",
                "MICROGRID_DATA_DIR": str(folder),
                "MICROGRID_HEALTH_PORT": str(free_port()),
            }
            stack.enter_context(service_process("microgrid_ingestor", settings, folder))

        yield start_replica


async def until(redis: Redis, holds: Callable[[DeviceLink], bool], description: str) -> DeviceLink:
    links: list[DeviceLink] = []

    async def found() -> bool:
        links[:] = (await RedisLinkStore(redis).get_many([METER])).values()
        return bool(links) and holds(links[0])

    await wait_until(found, timeout=25, description=description)
    return links[0]


async def told(redis: Redis) -> list[LinkChange]:
    stream = readings_stream_of("village-1", SHARDS)
    entries = await RedisDurableLog(redis).read_after({stream: "0-0"}, count=1_000, wait=timedelta())
    return [LinkEvent.model_validate_json(e.data).change for e in entries if e.kind == LINK_KIND]


async def test_a_birth_from_before_the_first_start_is_known_though_the_subscription_is_shared(
    mosquitto_server: Mosquitto, start: Callable[[str], None], redis: Redis
) -> None:
    async with meter(mosquitto_server.port) as device:
        start("first")
        link = await until(redis, lambda link: link.connected, "the link")
        assert (link.boot_id, link.connection, link.last_seen) == ("a", 1, None)
        start("second")
        device.publish(TELEMETRY, b"not even JSON")
        await until(redis, lambda link: link.last_seen is not None, "the message")
    assert (await told(redis))[:1] == [LinkChange.CONNECTED]


async def test_a_will_that_overtakes_a_rebirth_leaves_the_living_device_connected(
    mosquitto_server: Mosquitto, start: Callable[[str], None], redis: Redis
) -> None:
    port = mosquitto_server.port
    for replica in ("first", "second"):
        start(replica)
    async with meter(port, connection=1) as old:
        await until(redis, lambda link: link.connection == 1, "the first connection")
        async with meter(port, connection=2) as new:
            await until(redis, lambda link: link.connection == 2, "the second connection")
            # The broker notices only now that the first connection is dead.
            old.die()
            link = await until(redis, lambda link: ("a", 1) in link.ended, "the late will")
            assert link.connected
            new.die()
            await until(redis, lambda link: not link.connected, "the will of the second connection")
    assert await told(redis) == [LinkChange.CONNECTED, LinkChange.DISCONNECTED]
