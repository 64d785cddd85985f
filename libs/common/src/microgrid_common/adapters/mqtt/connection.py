"""One MQTT 5 connection that receives: bytes to packets, packets to messages, acknowledgements back."""

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import cast

import mqtt5

from microgrid_common.ports.errors import RetryableError
from microgrid_common.ports.message_source import InboundMessage

PAUSE_AT_BYTES = 64 * 1024 * 1024
"""Above this the socket is not read: it bounds memory where `receive_max` counts messages only."""

_MICROSECOND = timedelta(microseconds=1)

Pending = tuple[InboundMessage, int | None]
"""A message and its packet id; None for QoS 0, which is not acknowledged."""


class MqttConnection(asyncio.Protocol):
    """The receiving end of one connection. Made anew for each; `closed` ends its life."""

    def __init__(self, on_arrival: Callable[[], None]) -> None:
        """Make it.

        Args:
            on_arrival: called after messages came in.
        """
        self._on_arrival = on_arrival
        self._buffer = bytearray()
        self._pending: deque[Pending] = deque()
        self._pending_bytes = 0
        self._next_arrival = datetime.min.replace(tzinfo=UTC)
        self._paused = False
        self._transport: asyncio.Transport | None = None
        loop = asyncio.get_running_loop()
        self.heard_at = loop.time()
        """When the broker last sent anything, on the loop's clock, in seconds."""
        self._answers: dict[type, asyncio.Future[mqtt5.Packet]] = {
            mqtt5.ConnAckPacket: loop.create_future(),
            mqtt5.SubAckPacket: loop.create_future(),
        }
        self.closed: asyncio.Future[str] = loop.create_future()
        """Done, with the reason, when the connection has ended."""

    # The protocol's side: called by the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take all whole packets out of what has come so far."""
        loop = asyncio.get_running_loop()
        self.heard_at = loop.time()
        buffer = self._buffer
        if buffer:
            buffer += data
            view = memoryview(buffer)
        else:
            view = memoryview(data)
        position = self._read_packets(view)
        rest = view[position:]
        if buffer:
            # The views must be let go before the buffer may change its size.
            rest.release()
            view.release()
            del buffer[:position]
        else:
            buffer += rest
        if self._pending_bytes > PAUSE_AT_BYTES and self._transport and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        if self._pending:
            self._on_arrival()

    def _read_packets(self, view: memoryview) -> int:
        position, end = 0, len(view)
        # The clock may stand still between two reads, or be set back.
        arrival = max(datetime.now(UTC), self._next_arrival)
        try:
            while position < end:
                packet, size = mqtt5.read(view[position:])
                position += size
                if type(packet) is mqtt5.PublishPacket:
                    payload = packet.payload
                    self._pending_bytes += len(payload)
                    self._pending.append((InboundMessage(packet.topic, payload, arrival), packet.packet_id))
                    arrival += _MICROSECOND
                else:
                    self._handle(packet)
        except IndexError:
            pass  # The rest of a packet is still to come.
        except ValueError as error:
            self._end(f"malformed packet: {error}")
        self._next_arrival = arrival
        return position

    def connection_lost(self, exc: Exception | None) -> None:
        """Say that it is over."""
        self._end(str(exc) if exc else "closed by the broker")

    def _handle(self, packet: mqtt5.Packet) -> None:
        answer = self._answers.get(type(packet))
        if answer is not None and not answer.done():
            answer.set_result(packet)
        elif isinstance(packet, mqtt5.DisconnectPacket):
            self._end(f"disconnected by the broker: {packet.reason_code.name.lower()}")

    def _end(self, reason: str) -> None:
        if not self.closed.done():
            self.closed.set_result(reason)
        for answer in self._answers.values():
            if not answer.done():
                answer.cancel()
        # What was not handed out stays the broker's, which sends it again.
        self._pending.clear()
        self._pending_bytes = 0
        if self._transport:
            self._transport.abort()

    # The receiver's side.

    async def open_session(
        self, connect: mqtt5.ConnectPacket, topic_filters: list[str]
    ) -> mqtt5.ConnAckPacket:
        """Log in and subscribe.

        Raises:
            RetryableError: the broker refused, or the connection ended.
        """
        self._send(connect.write())
        accepted = cast("mqtt5.ConnAckPacket", await self._answer(mqtt5.ConnAckPacket))
        if accepted.reason_code is not mqtt5.ConnAckReasonCode.SUCCESS:
            raise RetryableError(f"the broker refused the login: {accepted.reason_code.name.lower()}")
        filters = [mqtt5.TopicFilter(pattern, max_qos=mqtt5.QoS.AT_LEAST_ONCE) for pattern in topic_filters]
        self._send(mqtt5.SubscribePacket(1, filters).write())
        subscribed = cast("mqtt5.SubAckPacket", await self._answer(mqtt5.SubAckPacket))
        for pattern, code in zip(topic_filters, subscribed.reason_codes, strict=True):
            if code.value >= mqtt5.SubAckReasonCode.UNSPECIFIED_ERROR.value:
                raise RetryableError(f"the broker refused to subscribe to {pattern}: {code.name.lower()}")
        return accepted

    async def _answer(self, kind: type) -> mqtt5.Packet:
        try:
            return await self._answers[kind]
        except asyncio.CancelledError:
            if self.closed.done():
                raise RetryableError(self.closed.result()) from None
            raise

    def take(self, limit: int) -> list[Pending]:
        """Up to `limit` messages that have come in, in their order."""
        pending = self._pending
        taken = [pending.popleft() for _ in range(min(limit, len(pending)))]
        self._pending_bytes -= sum(len(message.payload) for message, _ in taken)
        if self._paused and self._transport and self._pending_bytes <= PAUSE_AT_BYTES:
            self._paused = False
            self._transport.resume_reading()
        return taken

    def acknowledge(self, packet_ids: list[int]) -> None:
        """Tell the broker that messages are ours now. Does nothing once the connection has ended."""
        if not self.closed.done():
            self._send(b"".join(mqtt5.PubAckPacket(packet_id).write() for packet_id in packet_ids))

    def ping(self) -> None:
        """Ask the broker for a sign of life."""
        if not self.closed.done():
            self._send(mqtt5.PingReqPacket().write())

    def close(self, reason: str) -> None:
        """End it at once; messages without acknowledgement stay the broker's."""
        if not self.closed.done() and self._transport:
            self._transport.write(mqtt5.DisconnectPacket().write())
        self._end(reason)

    def _send(self, data: bytes) -> None:
        if self._transport:
            self._transport.write(data)
