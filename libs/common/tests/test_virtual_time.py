"""Time that passes at once does so in order, and stands still while there is work."""

import asyncio
import socket
import time

import pytest

pytestmark = pytest.mark.usefixtures("virtual_time")


async def test_delays_take_no_time_and_end_in_order() -> None:
    loop = asyncio.get_running_loop()
    ended: list[tuple[str, float]] = []
    start, real_start = loop.time(), time.monotonic()

    async def wait(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        ended.append((name, round(loop.time() - start)))

    await asyncio.gather(wait("day", 86_400), wait("second", 1), wait("hour", 3_600))
    assert ended == [("second", 1), ("hour", 3_600), ("day", 86_400)]
    assert time.monotonic() - real_start < 3_600


async def test_a_timeout_ends_what_never_comes() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(3_600):
            await asyncio.Event().wait()


async def test_work_takes_no_time() -> None:
    before = asyncio.get_running_loop().time()
    for _ in range(100):
        await asyncio.sleep(0)
    assert asyncio.get_running_loop().time() == before


async def test_what_has_come_is_read_before_a_delay_ends() -> None:
    mine, other = socket.socketpair()
    with mine, other:
        mine.settimeout(0)
        other.sendall(b"there")
        async with asyncio.timeout(0.001):
            assert await asyncio.get_running_loop().sock_recv(mine, 10) == b"there"


async def test_without_a_delay_a_thread_is_waited_for() -> None:
    assert await asyncio.to_thread(lambda: "done") == "done"
