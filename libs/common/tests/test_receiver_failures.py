"""The MQTT receiver against a broker that misbehaves: each failure ends the connection, and only that."""

import asyncio
from datetime import timedelta

import mqtt5
import pytest
from structlog.testing import capture_logs

from microgrid_common.adapters.mqtt import connection as connection_module
from microgrid_common.adapters.mqtt.address import BrokerAddress
from microgrid_common.adapters.mqtt.receiver import MqttReceiver, ReceiverOptions
from microgrid_common.ports.errors import RetryableError
from microgrid_common.testing.scripted_broker import (
    RecordedBackoff,
    Sink,
    scripted_broker,
    shut_down,
    welcome,
)
from microgrid_common.testing.scripted_broker import scripted_receiver as receiver
from microgrid_common.testing.waiting import free_port, wait_until

# Over real sockets, against servers that misbehave on purpose.
pytestmark = pytest.mark.integration

TOPIC = "microgrid/village-1/device/meter-1/telemetry"


def publish(payload: bytes, packet_id: int | None = None) -> bytes:
    qos = mqtt5.QoS.AT_MOST_ONCE if packet_id is None else mqtt5.QoS.AT_LEAST_ONCE
    return mqtt5.PublishPacket(TOPIC, payload, qos=qos, packet_id=packet_id).write()


async def problem(source: MqttReceiver) -> str:
    with pytest.raises(RetryableError) as error:
        await source.ping()
    return str(error.value)


async def until_problem(source: MqttReceiver, text: str) -> None:
    async def told() -> bool:
        return text in await problem(source)

    await wait_until(told, timeout=60, description=f"the receiver to say {text!r}")


async def receive(source: MqttReceiver, count: int) -> list[bytes]:
    payloads: list[bytes] = []
    async with asyncio.timeout(60):
        while len(payloads) < count:
            batch = await source.receive()
            payloads += [message.payload for message in batch.messages]
            await source.acknowledge(batch)
    return payloads


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (mqtt5.ConnAckReasonCode.SERVER_BUSY, "refused the login (server busy)"),
        (mqtt5.ConnAckReasonCode.NOT_AUTHORIZED, "check the user and password in MICROGRID_MQTT_URL"),
        (mqtt5.ConnAckReasonCode.BAD_USER_NAME_OR_PASSWORD, "check the user and password"),
        (mqtt5.ConnAckReasonCode.UNSUPPORTED_PROTOCOL_VERSION, "speaks MQTT 5"),
    ],
)
async def test_a_refused_login_says_what_to_check_and_not_with_what_it_was(
    code: mqtt5.ConnAckReasonCode, says: str
) -> None:
    async def refuse(number: int, packet: mqtt5.Packet, writer: Sink) -> None:
        assert isinstance(packet, mqtt5.ConnectPacket | mqtt5.DisconnectPacket)
        writer.write(mqtt5.ConnAckPacket(reason_code=code).write())

    with capture_logs() as lines:
        async with scripted_broker(refuse) as broker, receiver(broker) as source:
            await until_problem(source, says)
            await wait_until(lambda: broker.connections > 5, timeout=60, description="more attempts")
            assert "horse" not in await problem(source)
    assert [line["event"] for line in lines] == ["dependency_away"]
    assert "horse" not in str(lines)


async def test_a_refused_subscription_is_no_connection() -> None:
    async def refuse(number: int, packet: mqtt5.Packet, writer: Sink) -> None:
        if isinstance(packet, mqtt5.ConnectPacket):
            writer.write(mqtt5.ConnAckPacket().write())
        elif isinstance(packet, mqtt5.SubscribePacket):
            codes = [mqtt5.SubAckReasonCode.NOT_AUTHORIZED]
            writer.write(mqtt5.SubAckPacket(packet.packet_id, codes).write())

    async with scripted_broker(refuse) as broker, receiver(broker) as source:
        await until_problem(source, "refused to subscribe to microgrid/# (not authorized)")


async def test_a_broker_that_accepts_and_says_nothing_is_left_and_tried_again() -> None:
    async def keep_silent(number: int, packet: mqtt5.Packet, writer: Sink) -> None:
        pass

    async with (
        scripted_broker(keep_silent) as broker,
        receiver(broker, connect_timeout=timedelta(seconds=0.1)) as source,
    ):
        await until_problem(source, "no answer in time")
        await wait_until(lambda: broker.connections >= 3, timeout=60, description="more attempts")
        assert broker.open_connections <= 1


async def test_a_broker_of_mqtt_3_is_told_apart() -> None:
    async def refuse_the_version(number: int, packet: mqtt5.Packet, writer: Sink) -> None:
        writer.write(b"\x20\x02\x00\x01")

    async with scripted_broker(refuse_the_version) as broker, receiver(broker) as source:
        await until_problem(source, "check that the broker at MICROGRID_MQTT_URL speaks MQTT 5")


async def test_a_connection_that_ends_at_once_is_tried_less_and_less_often() -> None:
    async def let_in_and_throw_out(number: int, packet: mqtt5.Packet, writer: Sink) -> None:
        if await welcome(packet, writer):
            await shut_down(writer)

    backoff = RecordedBackoff()
    with capture_logs() as lines:
        async with scripted_broker(let_in_and_throw_out) as broker, receiver(broker, backoff=backoff):
            await wait_until(lambda: broker.connections > 10, timeout=60, description="ten attempts")
    assert backoff.ceilings[:9] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]
    assert [line["event"] for line in lines] == ["mqtt_connected", "dependency_away"]


async def test_an_outage_is_logged_once_when_it_begins_and_once_when_it_is_over() -> None:
    async def let_the_fourth_stay(number: int, packet: mqtt5.Packet, writer: Sink) -> None:
        if await welcome(packet, writer) and number < 4:
            await shut_down(writer)

    backoff = RecordedBackoff()
    with capture_logs() as lines:
        async with (
            scripted_broker(let_the_fourth_stay) as broker,
            receiver(broker, backoff=backoff, settled_after=timedelta(seconds=0.2)) as source,
        ):
            await wait_until(
                lambda: lines and lines[-1]["event"] == "dependency_back",
                timeout=60,
                description="the return",
            )
            await source.ping()
    assert [line["event"] for line in lines] == ["mqtt_connected", "dependency_away", "dependency_back"]
    assert backoff.resets == 1


async def test_another_reason_in_the_same_outage_is_logged_too() -> None:
    async def busy_then_banned(number: int, packet: mqtt5.Packet, writer: Sink) -> None:
        codes = mqtt5.ConnAckReasonCode
        code = codes.SERVER_BUSY if number % 2 else codes.NOT_AUTHORIZED
        writer.write(mqtt5.ConnAckPacket(reason_code=code).write())

    with capture_logs() as lines:
        async with scripted_broker(busy_then_banned) as broker, receiver(broker):
            await wait_until(lambda: broker.connections > 10, timeout=60, description="ten attempts")
    assert ["server busy" in line["error"] for line in lines] == [True, False]


# A topic that is not UTF-8 makes the codec panic, which Python is told of by the way, too.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "malformed",
    [
        b"\x00\x00",
        b"\x30\x06\x00\x02\xff\xffx\x00",
        b"\x32\x05\x00\x10mi\x00",
        b"\x30\xff\xff\xff\xff\x01",
        b"\x20" + b"\xff\xff\x7f" + bytes(1_100_000),
    ],
    ids=[
        "no packet",
        "topic that is not UTF-8",
        "shorter than its parts",
        "size of five bytes",
        "huge answer",
    ],
)
async def test_a_malformed_packet_ends_the_connection_and_the_next_one_works(malformed: bytes) -> None:
    async def garble_the_first(number: int, packet: mqtt5.Packet, writer: Sink) -> None:
        if await welcome(packet, writer):
            writer.write(malformed if number == 1 else publish(b"good"))

    with capture_logs() as lines:
        async with scripted_broker(garble_the_first) as broker, receiver(broker) as source:
            assert await receive(source, 1) == [b"good"]
    assert broker.connections == 2
    (line,) = (line for line in lines if line["event"] == "dependency_away")
    assert line["error"].startswith("malformed packet")


async def test_the_brokers_own_keep_alive_counts() -> None:
    async def hurry(number: int, packet: mqtt5.Packet, writer: Sink) -> None:
        await welcome(packet, writer, server_keep_alive=1)
        if isinstance(packet, mqtt5.PingReqPacket):
            writer.write(mqtt5.PingRespPacket().write())

    async with scripted_broker(hurry) as broker, receiver(broker):
        await wait_until(
            lambda: any(isinstance(packet, mqtt5.PingReqPacket) for packet in broker.packets),
            timeout=60,
            description="a ping, which the receiver's own keep-alive would send after 10 s",
        )


async def test_a_session_that_the_broker_forgot_is_told_once() -> None:
    async def throw_out_for_a_while(number: int, packet: mqtt5.Packet, writer: Sink) -> None:
        if await welcome(packet, writer) and number < 4:
            if number == 1:
                await wait_until(lambda: backoff.resets, timeout=60, description="a settled session")
            await shut_down(writer)

    backoff = RecordedBackoff()
    with capture_logs() as lines:
        async with (
            scripted_broker(throw_out_for_a_while) as broker,
            receiver(broker, backoff=backoff, settled_after=timedelta(seconds=0.2)),
        ):
            await wait_until(
                lambda: lines and lines[-1]["event"] == "dependency_back",
                timeout=60,
                description="the return",
            )
    assert [line["event"] for line in lines] == [
        "mqtt_connected",
        "dependency_away",
        "mqtt_session_lost",
        "dependency_back",
    ]


@pytest.fixture
def _little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "PAUSE_AT_BYTES", 1_000_000)


@pytest.mark.usefixtures("_little_room")
async def test_what_nobody_takes_stays_with_the_broker_however_long_it_lasts() -> None:
    payload, count = bytes(50_000), 1_000
    sent = 0

    async def flood(number: int, packet: mqtt5.Packet, writer: Sink) -> None:
        nonlocal sent
        if await welcome(packet, writer, server_keep_alive=1):
            for _ in range(count):
                writer.write(publish(payload))
                await writer.drain()
                sent += 1

    async with scripted_broker(flood) as broker, receiver(broker) as source:
        await wait_until(lambda: sent > 20, timeout=60, description="the flood")
        # Longer than a broker may be silent; the flooding one answers no ping either.
        await asyncio.sleep(2)
        # What is in the sockets' own buffers counts as sent.
        assert sent < count / 2
        assert await receive(source, count) == [payload] * count
        assert broker.connections == 1


async def test_large_messages_come_in_small_batches() -> None:
    payload, count = bytes(100_000), 200

    async def flood(number: int, packet: mqtt5.Packet, writer: Sink) -> None:
        if await welcome(packet, writer):
            for packet_id in range(1, count + 1):
                writer.write(publish(payload, packet_id))

    async with scripted_broker(flood) as broker, receiver(broker) as source:
        largest, taken = 0, 0
        async with asyncio.timeout(60):
            while taken < count:
                batch = await source.receive()
                taken += len(batch.messages)
                largest = max(largest, sum(len(message.payload) for message in batch.messages))
        assert largest <= connection_module.BATCH_BYTES + len(payload)


async def test_it_can_be_left_while_the_broker_is_silent_and_while_it_is_away() -> None:
    async def keep_silent(number: int, packet: mqtt5.Packet, writer: Sink) -> None:
        pass

    async with scripted_broker(keep_silent) as broker, asyncio.timeout(8):
        async with receiver(broker):
            await wait_until(lambda: broker.packets, timeout=60, description="the attempt")
        address = BrokerAddress("127.0.0.1", free_port())
        async with MqttReceiver(address, ReceiverOptions(client_id="x", topic_filters=["#"])) as source:
            await until_problem(source, "refused")
