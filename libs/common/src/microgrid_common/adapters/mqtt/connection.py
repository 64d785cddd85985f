"""One MQTT 5 connection that receives: bytes to packets, packets to messages, acknowledgements back."""

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import cast

import mqtt5

from microgrid_common.adapters.mqtt import problems
from microgrid_common.adapters.mqtt.oversized import (
    LARGEST_PACKET_BYTES,
    Oversized,
    begin_oversized,
    packet_size,
)
from microgrid_common.ports.errors import RetryableError
from microgrid_common.ports.message_source import InboundMessage

PAUSE_AT_BYTES = 8 * 1024 * 1024
"""Above this the socket is not read: it bounds memory where `receive_max` counts messages only."""

BATCH_BYTES = 1024 * 1024
"""A batch ends with the message that exceeds this: decoded, it takes about ten times its bytes. A thousand
ordinary messages stay below it."""

MESSAGE_OVERHEAD_BYTES = 320
"""What a waiting message takes beside its packet, as measured."""

_MICROSECOND = timedelta(microseconds=1)

Pending = tuple[InboundMessage, int | None, int]
"""A message, its packet id, and the memory it takes in bytes. QoS 0 has no id, and is not acknowledged."""


class MqttConnection(asyncio.Protocol):
    """The receiving end of one connection. Made anew for each; `closed` ends its life."""

    def __init__(self, on_arrival: Callable[[], None], *, tls: bool = False) -> None:
        """Make it.

        Args:
            on_arrival: called after messages came in.
            tls: whether it is over TLS, for what to advise when it fails.
        """
        self._on_arrival = on_arrival
        self._tls = tls
        self._buffer = bytearray()
        self._oversized: Oversized | None = None
        self._pending: deque[Pending] = deque()
        self._pending_bytes = 0
        self._next_arrival = datetime.min.replace(tzinfo=UTC)
        self._paused = False
        self._logged_in = False
        self._transport: asyncio.Transport | None = None
        loop = asyncio.get_running_loop()
        self._heard_at = loop.time()
        self._answers: dict[type, asyncio.Future[mqtt5.Packet]] = {
            mqtt5.ConnAckPacket: loop.create_future(),
            mqtt5.SubAckPacket: loop.create_future(),
        }
        self.keep_alive_seconds = 0
        """How often the broker wants a sign of life; known once the session is open."""
        self.closed: asyncio.Future[RetryableError] = loop.create_future()
        """Done, with the reason, when the connection has ended."""

    # The protocol's side: called by the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take all whole packets out of what has come so far."""
        self._heard_at = asyncio.get_running_loop().time()
        if self._oversized:
            data = self._let_past(data, self._oversized)
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
                    message = InboundMessage(packet.topic, packet.payload, arrival, 0, packet.retain)
                    self._keep(message, packet.packet_id, size)
                    arrival += _MICROSECOND
                else:
                    self._handle(packet)
        except IndexError:
            position += self._begin_unfinished(view[position:], arrival)
            arrival += _MICROSECOND
        except ValueError as error:
            self._end_malformed(error)
        except BaseException as error:
            # The codec is Rust, and panics where a text is not UTF-8: no `Exception`, but no reason to stop.
            if type(error).__name__ != "PanicException":
                raise
            self._end_malformed(error)
        self._next_arrival = arrival
        return position

    def _begin_unfinished(self, view: memoryview, arrival: datetime) -> int:
        """Look at a packet that has not come whole; returns how many of its bytes are dealt with."""
        try:
            size = packet_size(view)
            if size is None or (len(view) < size <= LARGEST_PACKET_BYTES):
                return 0
            if size <= len(view):
                self._end_malformed("a packet is shorter than what is in it")
                return 0
            if len(view) < LARGEST_PACKET_BYTES:
                return 0
            self._oversized = begin_oversized(view, size, arrival)
        except ValueError as error:
            self._end_malformed(error)
            return 0
        return len(view)

    def _let_past(self, data: bytes, oversized: Oversized) -> bytes:
        past = min(len(data), oversized.bytes_to_come)
        oversized.bytes_to_come -= past
        if oversized.bytes_to_come == 0:
            self._oversized = None
            self._keep(oversized.message, oversized.packet_id, len(oversized.message.payload))
        return data[past:]

    def _keep(self, message: InboundMessage, packet_id: int | None, size: int) -> None:
        size += MESSAGE_OVERHEAD_BYTES
        self._pending_bytes += size
        self._pending.append((message, packet_id, size))

    def connection_lost(self, exc: Exception | None) -> None:
        """Say that it is over."""
        if self._logged_in and isinstance(exc, ConnectionResetError | None):
            self._end(problems.ClosedWithoutReasonError("closed by the broker"))
        else:
            self._end(problems.no_connection(exc, tls=self._tls, logged_in=self._logged_in))

    def _handle(self, packet: mqtt5.Packet) -> None:
        answer = self._answers.get(type(packet))
        if answer is not None and not answer.done():
            answer.set_result(packet)
        elif isinstance(packet, mqtt5.DisconnectPacket):
            self._end(problems.disconnected(packet.reason_code))

    def _end_malformed(self, error: object) -> None:
        self._end(problems.malformed_packet(error, logged_in=self._logged_in))

    def _end(self, reason: RetryableError) -> None:
        if not self.closed.done():
            self.closed.set_result(reason)
        # What was not handed out stays the broker's, which sends it again.
        self._pending.clear()
        self._pending_bytes = 0
        if self._transport:
            self._transport.abort()

    # The receiver's side.

    async def log_in(self, connect: mqtt5.ConnectPacket) -> mqtt5.ConnAckPacket:
        """Log in; from then on there may be messages to take.

        Raises:
            RetryableError: the broker refused, or the connection ended.
        """
        self._send(connect.write())
        accepted = cast("mqtt5.ConnAckPacket", await self._answer(mqtt5.ConnAckPacket))
        if accepted.reason_code is not mqtt5.ConnAckReasonCode.SUCCESS:
            raise problems.refused_login(accepted.reason_code.value, problems.in_words(accepted.reason_code))
        self._logged_in = True
        self.keep_alive_seconds = accepted.server_keep_alive or connect.keep_alive
        return accepted

    async def subscribe(self, topic_filters: list[str]) -> None:
        """Let messages of some topics come, those first that the broker has kept.

        Raises:
            RetryableError: the broker refused, or the connection ended.
        """
        # Only what the broker had kept is to come as retained, not what is published to be kept.
        filters = [
            mqtt5.TopicFilter(pattern, max_qos=mqtt5.QoS.AT_LEAST_ONCE, retain_as_published=False)
            for pattern in topic_filters
        ]
        self._answers[mqtt5.SubAckPacket] = asyncio.get_running_loop().create_future()
        self._send(mqtt5.SubscribePacket(1, filters).write())
        subscribed = cast("mqtt5.SubAckPacket", await self._answer(mqtt5.SubAckPacket))
        for pattern, code in zip(topic_filters, subscribed.reason_codes, strict=True):
            if code.value >= mqtt5.SubAckReasonCode.UNSPECIFIED_ERROR.value:
                raise RetryableError(
                    f"the broker refused to subscribe to {pattern} ({problems.in_words(code)})"
                )

    def unsubscribe(self, topic_filters: list[str]) -> None:
        """Want nothing more of some topics. Does nothing once the connection has ended."""
        if not self.closed.done():
            self._send(mqtt5.UnsubscribePacket(2, topic_filters).write())

    async def _answer(self, kind: type) -> mqtt5.Packet:
        answer = self._answers[kind]
        await asyncio.wait((answer, self.closed), return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise self.closed.result()
        return answer.result()

    def take(self, limit: int) -> list[Pending]:
        """Up to `limit` messages that have come in, in their order; fewer when they are large."""
        pending = self._pending
        taken: list[Pending] = []
        taken_bytes = 0
        while pending and len(taken) < limit and taken_bytes < BATCH_BYTES:
            entry = pending.popleft()
            taken_bytes += entry[2]
            taken.append(entry)
        self._pending_bytes -= taken_bytes
        if self._paused and self._transport and self._pending_bytes <= PAUSE_AT_BYTES:
            self._paused = False
            self._heard_at = asyncio.get_running_loop().time()
            self._transport.resume_reading()
        return taken

    @property
    def silent_seconds(self) -> float:
        """How long nothing has come from the broker; 0 while it is not listened to."""
        return 0.0 if self._paused else asyncio.get_running_loop().time() - self._heard_at

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
        self._end(RetryableError(reason))

    def _send(self, data: bytes) -> None:
        if self._transport:
            self._transport.write(data)
