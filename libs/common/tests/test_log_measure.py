"""Both durable logs tell how much is in them, and how far their consumer groups are."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from microgrid_common.adapters.redis.durable_log import RedisDurableLog
from microgrid_common.ports.durable_log import DurableLog, GroupMeasure, StreamMeasure
from microgrid_common.testing.contracts.durable_log import records
from microgrid_common.testing.fakes.durable_log import FakeDurableLog

Take = Callable[[int, int], Awaitable[None]]
"""Lets the group `readers` read so many entries of the stream `s`, and acknowledge so many of them."""


class LogMeasureContract:
    async def test_streams_that_are_not_there_are_empty(self, log: DurableLog) -> None:
        measure = await log.measure(["s", "t"])
        assert measure.streams == {"s": StreamMeasure(0, {}), "t": StreamMeasure(0, {})}

    async def test_each_stream_has_its_length_and_each_group_its_lag(
        self, log: DurableLog, take: Take
    ) -> None:
        await log.append([*records("s", *"abcdef"), *records("t", "x")])
        await take(4, 1)
        measure = await log.measure(["s", "t"])
        assert measure.streams == {
            "s": StreamMeasure(6, {"readers": GroupMeasure(lag=2, pending=3)}),
            "t": StreamMeasure(1, {}),
        }

    async def test_a_trim_leaves_the_lag_right(self, log: DurableLog, take: Take) -> None:
        await log.append(records("s", *"abcdef"))
        await take(3, 3)
        await log.trim("s", keep=timedelta(hours=-1))
        await log.append(records("s", "g"))
        measure = (await log.measure(["s"])).streams["s"]
        assert measure == StreamMeasure(4, {"readers": GroupMeasure(lag=4, pending=0)})

    async def test_it_takes_memory(self, log: DurableLog) -> None:
        before = await log.measure([])
        await log.append(records("s", "a" * 100_000))
        after = await log.measure([])
        assert after.memory_used_bytes >= before.memory_used_bytes + 100_000


class TestFakeLogMeasure(LogMeasureContract):
    @pytest.fixture
    def log(self) -> FakeDurableLog:
        return FakeDurableLog()

    @pytest.fixture
    def take(self, log: FakeDurableLog) -> Take:
        consumer = log.consumer(group="readers", member="first", streams=["s"])

        async def take(count: int, acknowledged: int) -> None:
            entries = await consumer.read(count=count, wait=timedelta())
            await consumer.acknowledge(entries[:acknowledged])

        return take


class OverClient:
    @pytest.fixture
    def log(self, client: Redis) -> DurableLog:
        return RedisDurableLog(client)

    @pytest.fixture
    def take(self, client: Redis) -> Take:
        async def take(count: int, acknowledged: int) -> None:
            await client.xgroup_create("s", "readers", id="0-0", mkstream=True)
            answer: Any = await client.xreadgroup("readers", "first", {"s": ">"}, count=count)
            [(_, entries)] = answer
            await client.xack("s", "readers", *(entry_id for entry_id, _ in entries[:acknowledged]))

        return take


@pytest.mark.integration
class TestRedisLogMeasure(OverClient, LogMeasureContract):
    @pytest.fixture
    def client(self, redis_client: Redis) -> Redis:
        return redis_client

    async def test_a_limit_of_memory_is_told(self, client: Redis, log: DurableLog) -> None:
        assert (await log.measure([])).memory_limit_bytes is None
        await client.config_set("maxmemory", "123456789")
        try:
            assert (await log.measure([])).memory_limit_bytes == 123_456_789
        finally:
            await client.config_set("maxmemory", "0")


@pytest.mark.integration
class TestRedisLogMeasureOnValkey(OverClient, LogMeasureContract):
    @pytest.fixture
    def client(self, valkey_client: Redis) -> Redis:
        return valkey_client
