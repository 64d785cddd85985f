import asyncio
import socket

import pytest

from microgrid_common.testing.waiting import free_port, wait_until


async def test_returns_the_value_of_a_plain_or_async_predicate() -> None:
    values = iter([0, 0, 7])

    async def later() -> str:
        await asyncio.sleep(0)
        return "ready"

    assert await wait_until(lambda: next(values), timeout=5, description="a number") == 7
    assert await wait_until(later, timeout=5, description="a text") == "ready"


async def test_names_the_description_and_the_last_error() -> None:
    def fails() -> bool:
        raise OSError("connection refused")

    with pytest.raises(AssertionError, match=r"waiting for the broker .*connection refused"):
        await wait_until(fails, timeout=0.05, description="the broker")


async def test_names_the_last_value() -> None:
    with pytest.raises(AssertionError, match=r"waiting for an alert \(last value: \[\]\)"):
        await wait_until(list, timeout=0.05, description="an alert")


async def test_gives_up_on_a_predicate_that_hangs() -> None:
    async def hangs() -> bool:
        await asyncio.Event().wait()
        return True

    with pytest.raises(AssertionError, match="waiting for nothing"):
        await wait_until(hangs, timeout=0.05, description="nothing")


def test_a_free_port_can_be_listened_on() -> None:
    with socket.create_server(("127.0.0.1", free_port())):
        pass
