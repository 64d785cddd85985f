"""The MQTT receiver against real brokers: Mosquitto, and the embedded one of the edge box."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import aiomqtt
import pytest
from structlog.testing import capture_logs

from microgrid_common.adapters.mqtt import connection
from microgrid_common.adapters.mqtt.address import BrokerAddress, parse_broker_url
from microgrid_common.adapters.mqtt.receiver import MqttReceiver, ReceiverOptions
from microgrid_common.ports.errors import RetryableError
from microgrid_common.schemas.telemetry import MAXIMUM_PAYLOAD_BYTES
from microgrid_common.testing.servers import Mosquitto
from microgrid_common.testing.waiting import free_port, wait_until
from microgrid_standalone.embedded import embedded_broker

pytestmark = pytest.mark.integration

TOPIC = "microgrid/data"


@pytest.fixture(params=["mosquitto", "embedded"])
def broker(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def ports(
    broker: str, request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[tuple[int, int]]:
    """The ports for MQTT 3.1.1 and for MQTT 5 of an empty broker."""
    if broker == "mosquitto":
        request.getfixturevalue("mqtt_url")
        port = request.getfixturevalue("mosquitto_server").port
        yield port, port
    else:
        port, port_mqtt5 = free_port(), free_port()
        async with embedded_broker(tmp_path, port=port, port_mqtt5=port_mqtt5):
            yield port, port_mqtt5


@pytest.fixture
def options(broker: str) -> ReceiverOptions:
    # rumqttd 0.20, the embedded broker, dies when a member of a shared subscription comes back a second
    # time ("group must exists"); there is one receiver there, which needs no sharing.
    topic_filter = "$share/ingestor/microgrid/#" if broker == "mosquitto" else "microgrid/#"
    return ReceiverOptions(client_id=f"test-{uuid4().hex}", topic_filters=[topic_filter])


@asynccontextmanager
async def receiver(port: int, options: ReceiverOptions) -> AsyncIterator[MqttReceiver]:
    async with MqttReceiver(BrokerAddress("127.0.0.1", port), options) as source:
        await wait_until(lambda: connected(source), timeout=60, description="the receiver's session")
        yield source


async def connected(source: MqttReceiver) -> bool:
    await source.ping()
    return True


async def publish(port: int, *payloads: bytes) -> None:
    async with aiomqtt.Client("127.0.0.1", port, identifier=f"test-{uuid4().hex}") as client:
        for payload in payloads:
            await client.publish(TOPIC, payload, qos=1)


async def receive(source: MqttReceiver, count: int, *, acknowledge: bool = True) -> list[bytes]:
    """So many messages, in the order in which they came."""
    payloads: list[bytes] = []
    async with asyncio.timeout(60):
        while len(payloads) < count:
            batch = await source.receive()
            payloads += [message.payload for message in batch.messages]
            if acknowledge:
                await source.acknowledge(batch)
    return payloads


async def test_messages_of_mqtt_3_devices_arrive_in_their_order(
    ports: tuple[int, int], options: ReceiverOptions
) -> None:
    sent = [str(number).encode() for number in range(50)]
    async with receiver(ports[1], options) as source:
        await publish(ports[0], *sent)
        assert await receive(source, len(sent)) == sent


async def test_the_time_of_arrival_tells_the_order_of_messages_that_come_together(
    ports: tuple[int, int], options: ReceiverOptions
) -> None:
    async with receiver(ports[1], options):
        pass
    await publish(ports[0], *(b"%d" % number for number in range(50)))
    arrivals: list[datetime] = []
    async with receiver(ports[1], options) as source, asyncio.timeout(60):
        while len(arrivals) < 50:
            arrivals += [message.received_at for message in (await source.receive()).messages]
    assert arrivals == sorted(set(arrivals))


async def test_what_was_sent_while_we_were_away_arrives_afterwards(
    ports: tuple[int, int], options: ReceiverOptions
) -> None:
    async with receiver(ports[1], options):
        pass
    await publish(ports[0], b"while away")
    async with receiver(ports[1], options) as source:
        assert await receive(source, 1) == [b"while away"]


async def test_more_than_is_read_ahead_may_have_been_sent_while_we_were_away(
    ports: tuple[int, int], options: ReceiverOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, port_mqtt5 = ports
    # The broker sends what it has queued before it answers the subscription.
    monkeypatch.setattr(connection, "PAUSE_AT_BYTES", 1_000_000)
    async with receiver(port_mqtt5, options):
        pass
    sent = [number.to_bytes(1, "big") * 100_000 for number in range(50)]
    await publish(port, *sent)
    async with MqttReceiver(BrokerAddress("127.0.0.1", port_mqtt5), options) as source:
        assert await receive(source, len(sent)) == sent


async def test_what_was_not_acknowledged_comes_again_and_the_rest_does_not(
    ports: tuple[int, int], options: ReceiverOptions
) -> None:
    async with receiver(ports[1], options) as source:
        await publish(ports[0], b"taken over")
        await receive(source, 1)
        await publish(ports[0], b"received only")
        await receive(source, 1, acknowledge=False)
    async with receiver(ports[1], options) as source:
        await publish(ports[0], b"new")
        assert await receive(source, 2) == [b"received only", b"new"]


async def test_a_receipt_of_a_lost_connection_acknowledges_nothing(
    ports: tuple[int, int], options: ReceiverOptions
) -> None:
    async with receiver(ports[1], options) as source:
        await publish(ports[0], b"received only")
        stale = await source.receive()
    async with receiver(ports[1], options) as source:
        await source.acknowledge(stale)
        assert await receive(source, 1) == [b"received only"]


async def test_of_a_message_of_ten_megabytes_the_beginning_arrives_and_the_next_one_whole(
    ports: tuple[int, int], options: ReceiverOptions
) -> None:
    large = bytes(range(250)) * 40_000
    async with receiver(ports[1], options) as source:
        await publish(ports[0], large, b"next")
        async with asyncio.timeout(60):
            batch = await source.receive()
            while len(batch.messages) < 2:
                batch.messages.extend((await source.receive()).messages)
    cut, following = batch.messages
    assert MAXIMUM_PAYLOAD_BYTES < len(cut.payload) < 2_000_000
    assert large.startswith(cut.payload)
    assert len(cut.payload) + cut.left_out_bytes == len(large)
    assert (following.payload, following.left_out_bytes) == (b"next", 0)


async def test_an_oversized_message_is_acknowledged_like_any_other(
    ports: tuple[int, int], options: ReceiverOptions
) -> None:
    async with receiver(ports[1], options) as source:
        await publish(ports[0], bytes(10_000_000))
        await receive(source, 1)
    async with receiver(ports[1], options) as source:
        await publish(ports[0], b"new")
        assert await receive(source, 1) == [b"new"]


async def test_the_broker_sends_no_more_than_the_receive_maximum_ahead(
    mosquitto_server: Mosquitto, mqtt_url: str
) -> None:
    options = ReceiverOptions(client_id="few", topic_filters=["microgrid/#"], receive_maximum=3)
    async with receiver(mosquitto_server.port, options) as source:
        await publish(mosquitto_server.port, *[b"x"] * 10)
        held = await source.receive()
        while len(held.messages) < 3:
            held.messages.extend((await source.receive()).messages)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await source.receive()
        assert len(held.messages) == 3


@pytest.mark.parametrize("broker", ["mosquitto"])
async def test_a_broker_that_goes_and_comes_back_loses_nothing(
    mosquitto_server: Mosquitto, mqtt_url: str, options: ReceiverOptions
) -> None:
    address = parse_broker_url(mqtt_url)
    async with receiver(address.port, options) as source:
        await publish(address.port, b"before")
        first = await source.receive()
        await asyncio.to_thread(mosquitto_server.save)
        await asyncio.to_thread(mosquitto_server.kill)
        await wait_until(lambda: disconnected(source), timeout=60, description="the receiver to notice")
        await asyncio.to_thread(mosquitto_server.start)
        await source.acknowledge(first)
        await wait_until(lambda: connected(source), timeout=60, description="the receiver to come back")
        await publish(address.port, b"after")
        assert await receive(source, 2) == [b"before", b"after"]


async def disconnected(source: MqttReceiver) -> bool:
    return bool(await problem(source))


async def problem(source: MqttReceiver) -> str:
    """Why it is not connected; empty when it is."""
    try:
        await source.ping()
    except RetryableError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("broker", ["mosquitto"])
async def test_a_broker_that_is_not_there_is_named(options: ReceiverOptions) -> None:
    port = free_port()
    async with MqttReceiver(BrokerAddress("127.0.0.1", port), options) as source:
        with pytest.raises(RetryableError, match=f"127.0.0.1:{port}"):
            await source.ping()


async def test_a_broker_that_goes_silent_is_given_up(mosquitto_server: Mosquitto, mqtt_url: str) -> None:
    options = ReceiverOptions(
        client_id="patient", topic_filters=["microgrid/#"], keep_alive=timedelta(seconds=1)
    )
    async with receiver(mosquitto_server.port, options) as source:
        mosquitto_server.pause()
        try:
            await wait_until(
                lambda: disconnected(source), timeout=60, description="the silence to be noticed"
            )
        finally:
            mosquitto_server.resume()
        await wait_until(lambda: connected(source), timeout=60, description="the receiver to come back")


@pytest.mark.parametrize("broker", ["mosquitto"])
async def test_of_two_receivers_of_one_name_one_works_and_the_other_says_what_is_wrong(
    mosquitto_server: Mosquitto, mqtt_url: str, options: ReceiverOptions
) -> None:
    address = BrokerAddress("127.0.0.1", mosquitto_server.port)
    sources = [MqttReceiver(address, options) for _ in range(2)]
    with capture_logs() as lines:
        async with sources[0], sources[1]:
            await wait_until(
                lambda: any("MICROGRID_INGESTOR_NAME" in line.get("error", "") for line in lines),
                timeout=60,
                description="the name to be given as what is wrong",
            )
            (other,) = [source for source in sources if "MICROGRID_INGESTOR_NAME" in await problem(source)]
            (working,) = [source for source in sources if source is not other]
            await wait_until(lambda: connected(working), timeout=60, description="the other one to be back")
            for _ in range(20):
                await publish(address.port, b"for the one that works")
                assert await receive(working, 1) == [b"for the one that works"]
            assert "MICROGRID_INGESTOR_NAME" in await problem(other)
    assert {line["client_id"] for line in lines} == {options.client_id}
