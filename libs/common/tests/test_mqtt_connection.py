"""Bytes from the broker become messages however they are cut, and nonsense ends only the connection."""

import asyncio
from collections.abc import Iterator
from itertools import pairwise

import mqtt5
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid_common.adapters.mqtt import connection as connection_module
from microgrid_common.adapters.mqtt import oversized as oversized_module
from microgrid_common.adapters.mqtt.connection import MqttConnection
from microgrid_common.ports.message_source import InboundMessage

LARGEST = 300
"""What a packet may have in these tests before its end is left out."""

topics = st.text(
    st.characters(exclude_categories=["Cc", "Cn", "Cs"], exclude_characters="+#"), min_size=1, max_size=20
)
payloads = st.one_of(st.binary(max_size=40), st.integers(0, 2_000).map(bytes))
packet_ids = st.one_of(st.none(), st.integers(1, 65_535))
properties = st.lists(st.tuples(topics, topics), max_size=2)


@st.composite
def publications(draw: st.DrawFn) -> mqtt5.PublishPacket:
    packet_id = draw(packet_ids)
    qos = mqtt5.QoS.AT_MOST_ONCE if packet_id is None else mqtt5.QoS.AT_LEAST_ONCE
    return mqtt5.PublishPacket(
        draw(topics), draw(payloads), qos=qos, packet_id=packet_id, user_properties=draw(properties)
    )


@pytest.fixture(autouse=True)
def _little_room() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection_module, "LARGEST_PACKET_BYTES", LARGEST)
        patch.setattr(oversized_module, "LARGEST_PACKET_BYTES", LARGEST)
        yield


def feed(chunks: list[bytes]) -> tuple[list[tuple[InboundMessage, int | None]], bool]:
    """What came of some bytes: messages with their packet ids, and whether the connection is still open."""

    async def connect() -> tuple[list[tuple[InboundMessage, int | None]], bool]:
        connection = MqttConnection(lambda: None)
        for chunk in chunks:
            connection.data_received(chunk)
        taken = connection.take(10_000)
        return [(message, packet_id) for message, packet_id, _ in taken], not connection.closed.done()

    return asyncio.run(connect())


def cut(data: bytes, positions: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(position % (len(data) + 1) for position in positions)})
    return [data[start:end] for start, end in pairwise(places)]


@given(st.lists(publications(), max_size=6), st.lists(st.integers(0), max_size=12))
def test_however_the_bytes_are_cut_all_messages_come_in_their_order(
    sent: list[mqtt5.PublishPacket], positions: list[int]
) -> None:
    received, is_open = feed(cut(b"".join(packet.write() for packet in sent), positions))
    assert is_open
    assert [(message.topic, packet_id) for message, packet_id in received] == [
        (packet.topic, packet.packet_id) for packet in sent
    ]
    for (message, _), packet in zip(received, sent, strict=True):
        assert packet.payload.startswith(message.payload)
        assert len(message.payload) + message.left_out_bytes == len(packet.payload)
        assert message.left_out_bytes == 0 or len(packet.write()) > LARGEST
    arrivals = [message.received_at for message, _ in received]
    assert arrivals == sorted(set(arrivals))


@given(
    st.lists(publications(), max_size=3),
    st.binary(min_size=1, max_size=60),
    st.lists(st.integers(0), max_size=12),
)
# Hypothesis would report what the codec prints when it panics.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_nonsense_raises_nothing(
    sent: list[mqtt5.PublishPacket], nonsense: bytes, positions: list[int]
) -> None:
    feed(cut(b"".join(packet.write() for packet in sent) + nonsense, positions))


@given(publications(), st.integers(0), st.integers(0, 255), st.lists(st.integers(0), max_size=4))
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_changed_byte_raises_nothing(
    packet: mqtt5.PublishPacket, position: int, byte: int, positions: list[int]
) -> None:
    data = bytearray(packet.write())
    data[position % len(data)] = byte
    feed(cut(bytes(data), positions))
