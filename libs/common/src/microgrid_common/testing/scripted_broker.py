"""A broker that misbehaves as a test tells it to, and a backoff that waits for nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import mqtt5

from microgrid_common.adapters.mqtt.address import BrokerAddress
from microgrid_common.adapters.mqtt.receiver import MqttReceiver, ReceiverOptions
from microgrid_common.runtime.backoff import Backoff
from microgrid_common.testing.waiting import wait_until

Sink = asyncio.StreamWriter
Behave = Callable[[int, mqtt5.Packet, Sink], Awaitable[None]]
"""What the broker does about a packet on its nth connection, from 1."""


class ScriptedBroker:
    """Speaks as much MQTT 5 as it is told to."""

    def __init__(self, behave: Behave) -> None:
        self._behave = behave
        self.packets: list[mqtt5.Packet] = []
        self.connections = 0
        self.open_connections = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: Sink) -> None:
        """Answer one connection until it ends."""
        self.connections += 1
        self.open_connections += 1
        number, received = self.connections, b""
        try:
            while data := await reader.read(65_536):
                received += data
                while received:
                    try:
                        packet, size = mqtt5.read(memoryview(received))
                    except IndexError:
                        break
                    received = received[size:]
                    self.packets.append(packet)
                    await self._behave(number, packet, writer)
        except OSError:
            pass
        finally:
            writer.close()
            # The socket is closed a turn of the event loop later, which may not come after the test.
            with suppress(OSError):
                await writer.wait_closed()
            self.open_connections -= 1


@asynccontextmanager
async def scripted_broker(behave: Behave) -> AsyncIterator[ScriptedBroker]:
    """Run it on a free port; at the end every connection has to be closed."""
    broker = ScriptedBroker(behave)
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    broker.port = server.sockets[0].getsockname()[1]
    yield broker
    server.close()
    await wait_until(
        lambda: broker.open_connections == 0, timeout=5, description="the receiver to close every connection"
    )


async def welcome(packet: mqtt5.Packet, writer: Sink, *, server_keep_alive: int | None = None) -> bool:
    """Open a session; whether this was the last step of it."""
    if isinstance(packet, mqtt5.ConnectPacket):
        writer.write(mqtt5.ConnAckPacket(server_keep_alive=server_keep_alive).write())
    if isinstance(packet, mqtt5.SubscribePacket):
        writer.write(
            mqtt5.SubAckPacket(packet.packet_id, [mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE]).write()
        )
        return True
    return False


async def shut_down(writer: Sink) -> None:
    """End a connection as a broker does that is stopped."""
    reason = mqtt5.DisconnectReasonCode.SERVER_SHUTTING_DOWN
    writer.write(mqtt5.DisconnectPacket(reason_code=reason).write())
    await writer.drain()
    writer.close()


class RecordedBackoff(Backoff):
    """Waits for nothing, and keeps how long it would have been."""

    def __init__(self) -> None:
        super().__init__(uniform=self._longest_possible)
        self.ceilings: list[float] = []
        self.pauses: list[timedelta] = []
        self.resets = 0

    def _longest_possible(self, _: float, ceiling: float) -> float:
        self.ceilings.append(ceiling)
        return 0.0

    def next_delay(self, *, at_least: timedelta | None = None) -> timedelta:
        """Keep what was asked for, and wait for nothing."""
        super().next_delay()
        self.pauses.append(at_least or timedelta())
        return timedelta()

    def reset(self) -> None:
        """Count it."""
        super().reset()
        self.resets += 1


def scripted_receiver(
    broker: ScriptedBroker, *, backoff: Backoff | None = None, **options: timedelta
) -> MqttReceiver:
    """A receiver at that broker; `options` are the times of `ReceiverOptions`."""
    address = BrokerAddress("127.0.0.1", broker.port, username="ingestor", password="correct horse")  # noqa: S106
    return MqttReceiver(
        address,
        ReceiverOptions(client_id="test", topic_filters=["microgrid/#"], **options),  # type: ignore[arg-type]
        backoff=backoff or RecordedBackoff(),
    )
