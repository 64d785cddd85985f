"""The MQTT publisher against real brokers: Mosquitto, and the embedded one of the edge box."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import aiomqtt
import pytest

from microgrid_common.adapters.mqtt.address import BrokerAddress
from microgrid_common.adapters.mqtt.publisher import AiomqttPublisher
from microgrid_common.ports.errors import RetryableError
from microgrid_common.ports.message_publisher import Presence, Subscription
from microgrid_common.testing.servers import Mosquitto
from microgrid_common.testing.waiting import free_port, wait_until
from microgrid_standalone.embedded import embedded_broker

pytestmark = pytest.mark.integration

TOPIC = "microgrid/village-1/device/inverter-1/telemetry"
STATUS = "microgrid/village-1/device/inverter-1/status"
REQUESTS = "microgrid/village-1/device/inverter-1/backfill"
PRESENCE = Presence(STATUS, online=b"online", offline=b"offline")


@pytest.fixture(params=["mosquitto", "embedded"])
async def port(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[int]:
    """The MQTT 3.1.1 port of an empty broker."""
    if request.param == "mosquitto":
        request.getfixturevalue("mqtt_url")
        yield request.getfixturevalue("mosquitto_server").port
    else:
        free = free_port()
        async with embedded_broker(tmp_path, port=free, port_mqtt5=free_port()):
            yield free


def publisher(
    port: int,
    *,
    presence: Presence | None = None,
    subscriptions: Sequence[Subscription] = (),
) -> AiomqttPublisher:
    return AiomqttPublisher(
        BrokerAddress("127.0.0.1", port),
        client_id=f"test-{uuid4().hex}",
        presence=(lambda: presence) if presence else None,
        subscriptions=subscriptions,
    )


@asynccontextmanager
async def listening(port: int) -> AsyncIterator[list[tuple[str, bytes, bool]]]:
    """What comes on any topic, as (topic, payload, retained)."""
    heard: list[tuple[str, bytes, bool]] = []

    async def listen(client: aiomqtt.Client) -> None:
        async for message in client.messages:
            received = (str(message.topic), bytes(message.payload), message.retain)
            heard.append(received)

    async with aiomqtt.Client("127.0.0.1", port, identifier=f"test-{uuid4().hex}") as client:
        await client.subscribe("microgrid/#", qos=1)
        task = asyncio.create_task(listen(client))
        yield heard
        task.cancel()
        await asyncio.wait([task])


async def publish_until_taken(target: AiomqttPublisher, payload: bytes) -> None:
    async def taken() -> bool:
        await target.publish(TOPIC, payload)
        return True

    await wait_until(taken, timeout=60, description="the publisher to reach the broker again")


@asynccontextmanager
async def proxy(port: int, listen_port: int = 0) -> AsyncIterator[tuple[int, list[asyncio.StreamWriter]]]:
    """A way to the broker that can be cut: its port, and the client's ends of the connections."""
    clients: list[asyncio.StreamWriter] = []
    pumps: set[asyncio.Task[None]] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
        except OSError:
            pass
        finally:
            writer.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        broker_reader, broker_writer = await asyncio.open_connection("127.0.0.1", port)
        clients.append(writer)
        for source, sink in ((reader, broker_writer), (broker_reader, writer)):
            task = asyncio.create_task(pump(source, sink))
            pumps.add(task)
            task.add_done_callback(pumps.discard)

    server = await asyncio.start_server(connect, "127.0.0.1", listen_port)
    try:
        yield server.sockets[0].getsockname()[1], clients
    finally:
        server.close()
        for writer in clients:
            writer.close()
        if pumps:
            await asyncio.wait(pumps)


async def test_a_message_is_with_the_broker_when_publish_returns(port: int) -> None:
    async with listening(port) as heard, publisher(port) as sender:
        await sender.publish(TOPIC, b"\x00\xff payload")
        await wait_until(lambda: heard, timeout=60, description="the message")
    assert heard == [(TOPIC, b"\x00\xff payload", False)]


async def test_a_retained_message_is_there_for_those_who_come_later(port: int) -> None:
    async with publisher(port) as sender:
        await sender.publish(STATUS, b"online", retain=True)
    async with listening(port) as heard:
        await wait_until(lambda: heard, timeout=60, description="the retained message")
    assert heard == [(STATUS, b"online", True)]


async def test_many_messages_at_once_all_arrive(port: int) -> None:
    payloads = {f"{number}".encode() for number in range(300)}
    async with listening(port) as heard, publisher(port) as sender:
        await asyncio.gather(*(sender.publish(TOPIC, payload) for payload in payloads))
        await wait_until(lambda: len(heard) >= len(payloads), timeout=60, description="all messages")
    assert {payload for _, payload, _ in heard} == payloads


async def test_presence_is_published_on_coming_and_on_leaving(port: int) -> None:
    async with listening(port) as heard:
        async with publisher(port, presence=PRESENCE) as sender:
            await sender.publish(TOPIC, b"data")
        await wait_until(lambda: len(heard) >= 3, timeout=60, description="the farewell")
    assert [(topic, payload) for topic, payload, _ in heard] == [
        (STATUS, b"online"),
        (TOPIC, b"data"),
        (STATUS, b"offline"),
    ]


async def test_the_broker_publishes_the_last_will_and_the_next_message_the_return(port: int) -> None:
    async with (
        proxy(port) as (proxy_port, clients),
        listening(port) as heard,
        publisher(proxy_port, presence=PRESENCE) as sender,
    ):
        await sender.publish(TOPIC, b"before")
        clients[0].transport.abort()
        await wait_until(lambda: len(heard) >= 3, timeout=60, description="the last will")
        await publish_until_taken(sender, b"after")
        await wait_until(lambda: heard[-1][1] == b"after", timeout=60, description="the next message")
        said = [payload for _, payload, _ in heard]
    assert said == [b"online", b"before", b"offline", b"online", b"after"]


async def test_without_a_broker_it_says_where_and_goes_on_once_there_is_one(port: int) -> None:
    proxy_port = free_port()
    async with publisher(proxy_port) as sender:
        with pytest.raises(RetryableError, match=f"127.0.0.1:{proxy_port}: .*refused"):
            await sender.publish(TOPIC, b"too early")
        with pytest.raises(RetryableError):
            await sender.ping()
        async with proxy(port, proxy_port), listening(port) as heard:
            await sender.ping()
            await sender.publish(TOPIC, b"now")
            await wait_until(lambda: heard, timeout=60, description="the message")
        assert [payload for _, payload, _ in heard] == [b"now"]


async def test_what_it_subscribes_to_is_heard_also_after_a_break(port: int) -> None:
    requests: list[bytes] = []
    subscription = Subscription(REQUESTS, requests.append)
    async with (
        publisher(port) as platform,
        proxy(port) as (proxy_port, clients),
        publisher(proxy_port, subscriptions=[subscription]) as device,
    ):
        await device.ping()
        await platform.publish(REQUESTS, b"first")
        await platform.publish(TOPIC, b"of no interest")
        await wait_until(lambda: requests, timeout=60, description="the first request")
        clients[0].transport.abort()
        await publish_until_taken(device, b"back")
        await platform.publish(REQUESTS, b"second")
        await wait_until(lambda: len(requests) == 2, timeout=60, description="the second request")
    assert requests == [b"first", b"second"]


async def test_it_comes_back_after_the_broker_was_killed(mqtt_url: str, mosquitto_server: Mosquitto) -> None:
    async with publisher(mosquitto_server.port) as sender:
        await sender.publish(TOPIC, b"before")
        await asyncio.to_thread(mosquitto_server.kill)
        with pytest.raises(RetryableError):
            await sender.publish(TOPIC, b"lost")
        await asyncio.to_thread(mosquitto_server.start)
        async with listening(mosquitto_server.port) as heard:
            await publish_until_taken(sender, b"after")
            await wait_until(lambda: heard, timeout=60, description="the message")
        assert {payload for _, payload, _ in heard} == {b"after"}
