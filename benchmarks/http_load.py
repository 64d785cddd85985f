"""Requests over kept-alive connections: as many as are answered, or so many a second."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

_HEAD_END: Final = b"\r\n\r\n"
_PATIENCE_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, as bytes that are sent as they are."""

    content: bytes

    @classmethod
    def make(cls, method: str, path: str, *, host: str, token: str) -> "Request":
        """A request without a body."""
        lines = (
            f"{method} {path} HTTP/1.1",
            f"Host: {host}",
            f"Authorization: Bearer {token}",
            "Content-Length: 0",
            "\r\n",
        )
        return cls("\r\n".join(lines).encode())


class Connection(asyncio.Protocol):
    """One connection, on which one request at a time is under way."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._length: int | None = None
        self._answered: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As `asyncio.Protocol.connection_made`."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """As `asyncio.Protocol.data_received`."""
        self._received += data
        if self._length is None:
            head, end, _ = self._received.partition(_HEAD_END)
            if not end:
                return
            self._length = len(head) + len(end) + _content_length(head)
        if len(self._received) >= self._length and self._answered and not self._answered.done():
            self._answered.set_result(int(self._received[9:12]))

    def connection_lost(self, exc: Exception | None) -> None:
        """As `asyncio.Protocol.connection_lost`."""
        if self._answered and not self._answered.done():
            self._answered.set_exception(exc or ConnectionResetError("closed by the server"))

    async def ask(self, request: Request) -> int:
        """Send a request; returns the status of the answer once all of it is there."""
        assert self._transport is not None
        self._received, self._length = b"", None
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request.content)
        return await self._answered

    def close(self) -> None:
        """End the connection."""
        if self._transport:
            self._transport.close()


async def connect(host: str, port: int, count: int) -> list[Connection]:
    """Some connections."""
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(Connection, host, port) for _ in range(count)]
    return [connection for _, connection in made]


async def as_many_as_are_answered(
    connections: Sequence[Connection], request: Request, *, seconds: float
) -> float:
    """Send on each connection the next request when the one before is answered; returns answers a second.

    Raises:
        RuntimeError: one was answered by something else than 200.
    """
    answered = 0
    started = time.perf_counter()

    async def ask_on(connection: Connection) -> None:
        nonlocal answered
        while time.perf_counter() - started < seconds:
            _check(await connection.ask(request))
            answered += 1

    async with asyncio.timeout(seconds + _PATIENCE_SECONDS):
        await asyncio.gather(*map(ask_on, connections))
    return answered / (time.perf_counter() - started)


async def at_a_pace(
    connections: Sequence[Connection], requests: Sequence[Request], *, per_second: float
) -> list[float]:
    """Send requests at even times, whether or not those before are answered.

    Returns:
        Seconds from when each was due to its answer, in order of being answered: waiting for a connection
        counts.

    Raises:
        RuntimeError: one was answered by something else than 200.
    """
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for connection in connections:
        free.put_nowait(connection)
    took: list[float] = []
    started = time.perf_counter()

    async def ask(request: Request, due: float) -> None:
        connection = await free.get()
        _check(await connection.ask(request))
        took.append(time.perf_counter() - due)
        free.put_nowait(connection)

    async with asyncio.timeout(len(requests) / per_second + _PATIENCE_SECONDS), asyncio.TaskGroup() as group:
        for number, request in enumerate(requests):
            due = started + number / per_second
            if (ahead := due - time.perf_counter()) > 0:
                await asyncio.sleep(ahead)
            group.create_task(ask(request, due))
    return took


def _check(status: int) -> None:
    if status != 200:
        raise RuntimeError(f"answered by {status}")


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0
