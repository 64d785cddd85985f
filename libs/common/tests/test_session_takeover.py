"""Two receivers of one name end each other's session: it is calmed, and said what to do about it."""

import asyncio
from datetime import timedelta

import mqtt5
import pytest
from structlog.testing import capture_logs

from microgrid_common.adapters.mqtt.problems import TAKEN_OVER_PAUSE
from microgrid_common.testing.scripted_broker import (
    RecordedBackoff,
    Sink,
    scripted_broker,
    welcome,
)
from microgrid_common.testing.scripted_broker import scripted_receiver as receiver
from microgrid_common.testing.waiting import wait_until

# Over real sockets, against servers that misbehave on purpose.
pytestmark = pytest.mark.integration


async def test_a_session_taken_over_waits_before_it_is_taken_back_and_says_what_to_do() -> None:
    async def take_over(number: int, packet: mqtt5.Packet, writer: Sink) -> None:
        if await welcome(packet, writer):
            reason = mqtt5.DisconnectReasonCode.SESSION_TAKEN_OVER
            writer.write(mqtt5.DisconnectPacket(reason_code=reason).write())

    backoff = RecordedBackoff()
    with capture_logs() as lines:
        async with scripted_broker(take_over) as broker, receiver(broker, backoff=backoff):
            await wait_until(lambda: broker.connections > 3, timeout=60, description="some attempts")
    assert backoff.pauses[:3] == [TAKEN_OVER_PAUSE] * 3
    (line,) = (line for line in lines if line["event"] == "dependency_away")
    assert "MICROGRID_INGESTOR_NAME" in line["error"]
    assert line["client_id"] == "test"


async def test_sessions_closed_without_a_reason_are_taken_for_taken_over_from_the_second_on() -> None:
    async def close(number: int, packet: mqtt5.Packet, writer: Sink) -> None:
        if await welcome(packet, writer):
            writer.close()

    backoff = RecordedBackoff()
    with capture_logs() as lines:
        async with scripted_broker(close) as broker, receiver(broker, backoff=backoff):
            await wait_until(lambda: broker.connections > 3, timeout=60, description="some attempts")
    assert backoff.pauses[:3] == [timedelta(), TAKEN_OVER_PAUSE, TAKEN_OVER_PAUSE]
    once, again = (line["error"] for line in lines if line["event"] == "dependency_away")
    assert once == "closed by the broker"
    assert "MICROGRID_INGESTOR_NAME" in again


async def test_a_session_that_held_for_long_makes_the_next_close_a_first_one() -> None:
    async def close_each_later(number: int, packet: mqtt5.Packet, writer: Sink) -> None:
        if await welcome(packet, writer):
            asyncio.get_running_loop().call_later(0.3, writer.close)

    backoff = RecordedBackoff()
    async with (
        scripted_broker(close_each_later) as broker,
        receiver(broker, backoff=backoff, settled_after=timedelta(seconds=0.05)),
    ):
        await wait_until(lambda: broker.connections > 3, timeout=60, description="some attempts")
    assert backoff.pauses[:3] == [timedelta()] * 3
