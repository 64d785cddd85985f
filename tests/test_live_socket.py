"""The benchmark's own WebSocket client reads what a server sends, however it is cut into pieces."""

import asyncio
import json
from typing import Any

import pytest
from benchmarks.live_socket import LiveSocket
from benchmarks.paced_publisher import number_of

ACCEPTED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


class Wire(asyncio.Transport):
    """What the client writes."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))


def frame(kind: int, payload: bytes) -> bytes:
    length = len(payload)
    if length < 126:
        head = bytes([length])
    elif length < 65_536:
        head = bytes([126]) + length.to_bytes(2)
    else:
        head = bytes([127]) + length.to_bytes(8)
    return bytes([0x80 | kind]) + head + payload


def text(message: dict[str, Any]) -> bytes:
    return frame(1, json.dumps(message, separators=(",", ":")).encode())


SENT = b"".join(
    [
        ACCEPTED,
        text({"type": "snapshot", "filling": "x" * 70_000, "readings": {"consumption_kw": {"value": 5.0}}}),
        text({"type": "reading", "cursor": "c", "readings": {"consumption_kw": {"value": 5.0007}}}),
        frame(9, b"are you there"),
        text({"type": "alert", "filling": "x" * 300, "alert": {"id": "alert-village-1-12"}}),
        text({"type": "reading", "cursor": "c", "readings": {"consumption_kw": {"value": 5.0009}}}),
    ]
)


@pytest.mark.parametrize("piece", [1, 7, 4_096, len(SENT)])
async def test_it_finds_readings_and_alerts_and_answers_pings(piece: int) -> None:
    socket, wire = LiveSocket(b"GET", number_of), Wire()
    socket.connection_made(wire)
    for start in range(0, len(SENT), piece):
        socket.data_received(SENT[start : start + piece])
    await socket.opened
    assert [sight.number for sight in socket.readings] == [7, 9]
    assert [sight.number for sight in socket.alerts] == [12]
    assert wire.written == [b"GET", b"\x8a\x8d\0\0\0\0are you there"]
    assert socket.lost is None


async def test_it_says_why_a_server_refuses_or_ends() -> None:
    refused, ended = LiveSocket(b"GET", number_of), LiveSocket(b"GET", number_of)
    for socket in (refused, ended):
        socket.connection_made(Wire())
    refused.data_received(b"HTTP/1.1 403 Forbidden\r\n\r\n")
    with pytest.raises(ConnectionError, match="403"):
        await refused.opened
    ended.data_received(ACCEPTED + text({"type": "snapshot"}) + frame(8, b"\x03\xf5too slow"))
    await ended.opened
    assert ended.lost == "too slow"
