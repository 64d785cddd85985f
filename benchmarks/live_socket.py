"""A WebSocket client that costs little: it takes the time of each message, and looks for two things in it.

A thousand of a usual library's clients would need more of the machine than the server that is measured.
"""

import asyncio
import base64
import re
import secrets
import time
from collections.abc import Callable
from typing import Final

from benchmarks.distribution import Sight

_VALUE: Final = re.compile(rb'"consumption_kw":\{"value":([0-9.e-]+)')
_ALERT: Final = re.compile(rb'"type":"alert".*?"alert":\{"id":"alert-[^"]*-([0-9]+)"')
_TEXT, _PING, _CLOSE = 1, 9, 8
_TWO_BYTES, _EIGHT_BYTES = 126, 127


class LiveSocket(asyncio.Protocol):
    """One live connection.

    Args:
        request: the HTTP request that opens it.
        number_of: the number of the reading that a value came with.
    """

    def __init__(self, request: bytes, number_of: Callable[[float], int]) -> None:
        self._request = request
        self._number_of = number_of
        self._buffer = bytearray()
        self._is_open = False
        self._transport: asyncio.WriteTransport | None = None
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the first message has come."""
        self.readings: list[Sight] = []
        self.alerts: list[Sight] = []
        self.messages = 0
        self.lost: str | None = None
        """Why the connection ended; None while it lasts."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As `asyncio.Protocol.connection_made`."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """As `asyncio.Protocol.data_received`."""
        seconds = time.monotonic()
        self._buffer += data
        if not self._is_open:
            head, found, rest = bytes(self._buffer).partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head:
                self._end(head.decode(errors="replace"))
                return
            self._is_open = True
            self._buffer = bytearray(rest)
        while (frame := self._next_frame()) is not None:
            self._take(*frame, seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """As `asyncio.Protocol.connection_lost`."""
        self._end(str(exc or "closed"))

    def close(self) -> None:
        """End the connection."""
        if self._transport:
            self._transport.close()

    def _next_frame(self) -> tuple[int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        length, start = buffer[1] & 0x7F, 2
        if length in {_TWO_BYTES, _EIGHT_BYTES}:
            start = 4 if length == _TWO_BYTES else 10
            if len(buffer) < start:
                return None
            length = int.from_bytes(buffer[2:start])
        if len(buffer) < start + length:
            return None
        frame = buffer[0] & 0x0F, bytes(buffer[start : start + length])
        del buffer[: start + length]
        return frame

    def _take(self, kind: int, payload: bytes, seconds: float) -> None:
        if kind == _PING and self._transport:
            # Masked with nothing, as a client must and may.
            self._transport.write(bytes([0x8A, 0x80 | len(payload), 0, 0, 0, 0]) + payload)
        elif kind == _CLOSE:
            self._end(payload[2:].decode(errors="replace"))
        elif kind == _TEXT:
            self.messages += 1
            if not self.opened.done():
                self.opened.set_result(None)
            elif found := _ALERT.search(payload):
                self.alerts.append(Sight(seconds, int(found[1])))
            elif found := _VALUE.search(payload):
                self.readings.append(Sight(seconds, self._number_of(float(found[1]))))

    def _end(self, reason: str) -> None:
        self.lost = self.lost or reason
        if not self.opened.done():
            self.opened.set_exception(ConnectionError(reason))


async def open_socket(port: int, path: str, token: str, number_of: Callable[[float], int]) -> LiveSocket:
    """Open a live connection to a server on this machine; returns when its first message has come.

    Args:
        port: of the server.
        path: of the endpoint.
        token: proves who asks.
        number_of: the number of the reading that a value came with.

    Raises:
        ConnectionError: the server refuses.
    """
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    request = (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nAuthorization: Bearer {token}\r\n\r\n"
    )
    _, socket = await asyncio.get_running_loop().create_connection(
        lambda: LiveSocket(request.encode(), number_of), "127.0.0.1", port
    )
    await socket.opened
    return socket
