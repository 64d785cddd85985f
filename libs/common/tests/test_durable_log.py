"""Both durable logs, and their consumers, keep the same contract."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from microgrid_common.adapters.redis.durable_log import RedisDurableLog
from microgrid_common.adapters.redis.log_consumer import RedisLogConsumer
from microgrid_common.ports.durable_log import DurableLog, LogConsumer
from microgrid_common.ports.errors import RetryableError
from microgrid_common.testing.contracts.durable_log import DurableLogContract, records, texts_in
from microgrid_common.testing.contracts.log_consumer import Crash, LogConsumerContract, MakeConsumer
from microgrid_common.testing.fakes.durable_log import FakeDurableLog, FakeLogConsumer

LEASE = timedelta(seconds=1)
"""Longer than a busy machine lets a process wait; a test that outlives it waits so long."""


@pytest.mark.usefixtures("virtual_time")
class TestFakeDurableLog(DurableLogContract, LogConsumerContract):
    @pytest.fixture
    def log(self) -> FakeDurableLog:
        return FakeDurableLog()

    @pytest.fixture
    def make_consumer(self, log: FakeDurableLog) -> MakeConsumer:
        async def make(
            *, group: str = "readers", member: str = "first", streams: Sequence[str] = ("s",)
        ) -> LogConsumer:
            return log.consumer(group=group, member=member, streams=streams)

        return make

    @pytest.fixture
    def crash(self) -> Crash:
        async def crash(consumer: LogConsumer) -> None:
            assert isinstance(consumer, FakeLogConsumer)
            consumer.crash()

        return crash

    async def test_it_fails_when_told_to_and_then_nothing_is_appended(self, log: FakeDurableLog) -> None:
        log.fail_next(RetryableError("away"))
        with pytest.raises(RetryableError, match="away"):
            await log.append(records("s", "a", "b"))
        await log.append(records("s", "c"))
        assert await texts_in(log, "s") == ["c"]


@asynccontextmanager
async def consumers_of(client: Redis) -> AsyncIterator[MakeConsumer]:
    async with AsyncExitStack() as stack:

        async def make(
            *, group: str = "readers", member: str = "first", streams: Sequence[str] = ("s",)
        ) -> LogConsumer:
            consumer = RedisLogConsumer(client, group=group, member=member, streams=streams, lease=LEASE)
            return await stack.enter_async_context(consumer)

        yield make


@pytest.fixture
def crash() -> Crash:
    async def crash(consumer: LogConsumer) -> None:
        assert isinstance(consumer, RedisLogConsumer)
        await consumer.stop_renewing()

    return crash


@pytest.mark.integration
class TestRedisDurableLog(DurableLogContract, LogConsumerContract):
    @pytest.fixture
    def log(self, redis_client: Redis) -> DurableLog:
        return RedisDurableLog(redis_client)

    @pytest.fixture
    async def make_consumer(self, redis_client: Redis) -> AsyncIterator[MakeConsumer]:
        async with consumers_of(redis_client) as make:
            yield make


@pytest.mark.integration
class TestRedisDurableLogOnValkey(DurableLogContract, LogConsumerContract):
    @pytest.fixture
    def log(self, valkey_client: Redis) -> DurableLog:
        return RedisDurableLog(valkey_client)

    @pytest.fixture
    async def make_consumer(self, valkey_client: Redis) -> AsyncIterator[MakeConsumer]:
        async with consumers_of(valkey_client) as make:
            yield make
