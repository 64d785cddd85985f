"""Devices that publish telemetry at a steady rate: a process of its own, so that its work is nobody else's.

Each message carries its number as the value of `consumption_kw`, from which readers tell it again, see
`number_of`. It has one connection for all devices; what a broker does is much the same for many.
"""

import argparse
import asyncio
import json
import sys
import time
from array import array
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import mqtt5

from microgrid_common.adapters.mqtt.address import BrokerAddress
from microgrid_common.schemas.topics import TopicKind, device_topic

DEVICES: Final = 200

_CLIENT_ID: Final = "paced-publisher"
_BEGIN_SECONDS: Final = 10.0
_LAST_ACKNOWLEDGEMENT_SECONDS: Final = 30.0
_TICK_SECONDS: Final = 0.001
_MOST_UNACKNOWLEDGED: Final = 10_000
"""Beyond this it waits: packet ids are used again."""

_STEP_KW: Final = 0.0001
_FIRST_KW: Final = 5.0
"""Low enough that the first 90,000 messages raise no alarm."""


def number_of(consumption_kw: float) -> int:
    """Which message a value of `consumption_kw` came with; the first one is 0."""
    return round((consumption_kw - _FIRST_KW) / _STEP_KW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What was published."""

    messages: int
    seconds: float
    furthest_behind_seconds: float
    """How late a message was at most, against the pace."""


@dataclass(frozen=True, slots=True)
class PacedPublisher:
    """A running publisher."""

    process: asyncio.subprocess.Process

    async def done(self) -> Published:
        """Wait until it has published everything, and the broker has acknowledged that.

        Raises:
            RuntimeError: it failed.
        """
        output, _ = await self.process.communicate()
        if self.process.returncode:
            raise RuntimeError(f"the publisher failed with {self.process.returncode}")
        return Published(**json.loads(output))


@asynccontextmanager
async def paced_publisher(
    address: BrokerAddress, *, rate: float, seconds: float, grids: int = 1, times: Path | None = None
) -> AsyncIterator[PacedPublisher]:
    """Publish from another process while the block runs.

    Args:
        address: of the broker.
        rate: messages a second, over all devices.
        seconds: how long.
        grids: over how many grids the devices are spread; 1 is the default grid.
        times: where to write, at the end, when each message was published: doubles, on the clock of
            `time.monotonic`, which all processes of a machine share.
    """
    arguments = [f"--host={address.host}", f"--port={address.port}", f"--rate={rate}", f"--seconds={seconds}"]
    arguments += [f"--grids={grids}", *([f"--times={times}"] if times else [])]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.paced_publisher", *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield PacedPublisher(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class _Connection(asyncio.Protocol):
    """Publishes with QoS 1, and counts the acknowledgements."""

    def __init__(self) -> None:
        self.accepted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.acknowledged = 0
        self._most_unacknowledged = _MOST_UNACKNOWLEDGED
        self._rest = b""
        self._transport: asyncio.WriteTransport | None = None
        self._sent = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.WriteTransport):
            raise TypeError(f"cannot write to {transport!r}")
        self._transport = transport
        transport.write(mqtt5.ConnectPacket(_CLIENT_ID, clean_start=True).write())

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        view, position = memoryview(data), 0
        while position < len(data):
            try:
                packet, size = mqtt5.read(view[position:])
            except IndexError:
                break
            position += size
            self._take(packet)
        self._rest = data[position:]

    def _take(self, packet: mqtt5.Packet) -> None:
        match packet:
            case mqtt5.PubAckPacket():
                self.acknowledged += 1
            case mqtt5.ConnAckPacket(reason_code=mqtt5.ConnAckReasonCode.SUCCESS):
                self._most_unacknowledged = min(_MOST_UNACKNOWLEDGED, packet.receive_max)
                self.accepted.set_result(None)
            case _:
                self._fail(RuntimeError(f"the broker says {packet!r}"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(RuntimeError(f"the connection has ended: {exc}"))

    def _fail(self, error: RuntimeError) -> None:
        if not self.accepted.done():
            self.accepted.set_exception(error)
        elif self._transport:
            self._transport.close()

    @property
    def room(self) -> int:
        """How many messages may be sent now.

        Raises:
            RuntimeError: the connection has ended.
        """
        if self._transport is None or self._transport.is_closing():
            raise RuntimeError("the connection has ended")
        return self._most_unacknowledged - (self._sent - self.acknowledged)

    def publish(self, messages: list[tuple[str, bytes]]) -> None:
        """Send messages, at most as many as there is room for."""
        if self._transport:
            packets = []
            for topic, payload in messages:
                packet_id = self._sent % 65_535 + 1
                self._sent += 1
                packets.append(
                    mqtt5.PublishPacket(
                        topic, payload, qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=packet_id
                    ).write()
                )
            self._transport.write(b"".join(packets))


def _messages(grids: int) -> Iterator[tuple[str, bytes]]:
    """The messages one after the other, each with the time at which it is asked for."""
    topics = [
        device_topic(
            "default" if grids == 1 else f"grid-{device % grids}", f"device-{device}", TopicKind.TELEMETRY
        )
        for device in range(DEVICES)
    ]
    number = 0
    while True:
        seq, device = divmod(number, DEVICES)
        now = datetime.now(UTC).isoformat(timespec="milliseconds")[:-6]
        payload = (
            f'{{"schema":1,"timestamp":"{now}Z","boot_id":"5f2c","seq":{seq},"metrics":{{'
            f'"consumption_kw":{_FIRST_KW + number * _STEP_KW:.4f},"generation_kw":{8 + seq % 70 / 10:.1f},'
            f'"battery_soc":{20 + seq % 80},"inverter_temperature_c":{30 + number % 300 / 10:.1f},'
            f'"irradiance_w_m2":{seq % 1_000},"ac_voltage_v":{230 + seq % 30 / 10:.1f}}}}}'
        )
        yield topics[device], payload.encode()
        number += 1


async def _publish(
    address: BrokerAddress, *, rate: float, seconds: float, grids: int, keep_time: Callable[[float], None]
) -> Published:
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(_Connection, address.host, address.port)
    async with asyncio.timeout(_BEGIN_SECONDS):
        await connection.accepted
    messages = _messages(grids)
    total, sent, furthest_behind = int(rate * seconds), 0, 0.0
    start = time.monotonic()
    while sent < total:
        now = time.monotonic()
        due = min(total, int((now - start) * rate) + 1) - sent
        if (count := min(due, connection.room)) > 0:
            furthest_behind = max(furthest_behind, now - start - sent / rate)
            connection.publish([next(messages) for _ in range(count)])
            for _ in range(count):
                keep_time(now)
            sent += count
        await asyncio.sleep(max(_TICK_SECONDS, start + sent / rate - time.monotonic()))
    taken = time.monotonic() - start
    async with asyncio.timeout(_LAST_ACKNOWLEDGEMENT_SECONDS):
        while connection.acknowledged < sent:
            await asyncio.sleep(_TICK_SECONDS)
    return Published(messages=sent, seconds=taken, furthest_behind_seconds=furthest_behind)


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--grids", type=int, required=True)
    parser.add_argument("--times", type=Path)
    options = parser.parse_args()
    times = array("d")
    published = asyncio.run(
        _publish(
            BrokerAddress(options.host, options.port),
            rate=options.rate,
            seconds=options.seconds,
            grids=options.grids,
            keep_time=times.append if options.times else lambda _: None,
        )
    )
    if options.times:
        options.times.write_bytes(times.tobytes())
    print(json.dumps(asdict(published)))


if __name__ == "__main__":
    _main()
