"""Waiting in tests for something to become true, and finding a port to listen on."""

# ruff: noqa: ASYNC109 - the failure must carry a description, which asyncio.timeout cannot

import asyncio
import inspect
import random
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar, cast, overload

T = TypeVar("T")

_POLL_SECONDS = 0.005
_EPHEMERAL_PORTS_FILE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_FIRST_PORT = 15_000
_DEFAULT_FIRST_EPHEMERAL_PORT = 32_768


@overload
async def wait_until(predicate: Callable[[], Awaitable[T]], *, timeout: float, description: str) -> T: ...


@overload
async def wait_until(predicate: Callable[[], T], *, timeout: float, description: str) -> T: ...


async def wait_until(
    predicate: Callable[[], T | Awaitable[T]],
    *,
    timeout: float,
    description: str,
) -> T:
    """Wait until a predicate returns something true, and return that.

    An exception raised by the predicate counts as "not yet".

    Args:
        predicate: Called again and again; may be a coroutine function.
        timeout: Seconds to wait at most.
        description: What is waited for, as the end of the sentence "timed out waiting for …".

    Raises:
        AssertionError: The predicate was not true in time. It names the description, the last value
            and the last error.
    """
    deadline = time.monotonic() + timeout
    last_value: object = None
    last_error: Exception | None = None
    while (remaining := deadline - time.monotonic()) > 0:
        try:
            value = predicate()
            if inspect.isawaitable(value):
                value = await asyncio.wait_for(value, remaining)
        except Exception as error:  # noqa: BLE001 - any failure means "not yet" and is reported at the end
            last_error = error
        else:
            if value:
                return cast("T", value)
            last_value, last_error = value, None
        await asyncio.sleep(_POLL_SECONDS)
    outcome = f"last error: {last_error!r}" if last_error else f"last value: {last_value!r}"
    raise AssertionError(
        f"timed out after {timeout:g} s waiting for {description} ({outcome})"
    ) from last_error


def free_port() -> int:
    """Find a TCP port of the loopback interface on which nothing listens.

    The port lies outside the range from which the system takes ports for outgoing connections: while a
    server is stopped, none of the clients that try to reach it again can be given its port.
    """
    last_port = _first_ephemeral_port() - 1
    for _ in range(1000):
        port = random.randint(_FIRST_PORT, last_port)  # noqa: S311 - not a secret
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as candidate:
            try:
                candidate.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no free TCP port between {_FIRST_PORT} and {last_port}")


def _first_ephemeral_port() -> int:
    try:
        first = int(_EPHEMERAL_PORTS_FILE.read_text(encoding="ascii").split()[0])
    except OSError:
        return _DEFAULT_FIRST_EPHEMERAL_PORT
    # A system may hand out nearly every port; then the usual boundary is as good as any.
    return first if first > _FIRST_PORT + 1000 else _DEFAULT_FIRST_EPHEMERAL_PORT
