"""Both quarantines keep the same contract."""

import asyncio
from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from microgrid_common.adapters.redis.durable_log import RedisDurableLog
from microgrid_common.adapters.redis.quarantine import RedisQuarantine
from microgrid_common.ports.durable_log import DurableLog, Record
from microgrid_common.ports.errors import RetryableError
from microgrid_common.ports.quarantine import Quarantine, QuarantineFilter, QuarantineLimits
from microgrid_common.schemas.quarantine_entry import QuarantineState
from microgrid_common.testing.contracts.quarantine import QuarantineContract
from microgrid_common.testing.contracts.quarantine_limits import QuarantineLimitsContract
from microgrid_common.testing.contracts.quarantine_messages import T0, found, numbers, put, refused
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.fakes.quarantine import FakeQuarantine


class TestFakeQuarantine(QuarantineContract, QuarantineLimitsContract):
    @pytest.fixture
    def log(self) -> FakeDurableLog:
        return FakeDurableLog()

    @pytest.fixture
    def quarantine(self, log: FakeDurableLog) -> Quarantine:
        return FakeQuarantine(log)

    async def test_it_fails_when_told_to_and_then_nothing_is_discarded(
        self, quarantine: FakeQuarantine, log: FakeDurableLog
    ) -> None:
        await put(log, refused(1))
        [entry] = await found(quarantine)
        quarantine.fail_next(RetryableError("away"))
        with pytest.raises(RetryableError, match="away"):
            await quarantine.discard(entry.id, by="ann", at=T0)
        assert await found(quarantine) == [entry]


class OverClient:
    @pytest.fixture
    def log(self, client: Redis) -> DurableLog:
        return RedisDurableLog(client)

    @pytest.fixture
    def quarantine(self, client: Redis) -> Quarantine:
        return RedisQuarantine(client)


@pytest.mark.integration
class TestRedisQuarantine(OverClient, QuarantineContract, QuarantineLimitsContract):
    @pytest.fixture
    def client(self, redis_client: Redis) -> Redis:
        return redis_client

    async def test_several_processes_may_use_it_at_once(self, client: Redis, log: DurableLog) -> None:
        """Nothing is counted twice, and none of what they do is lost."""
        quarantines = [RedisQuarantine(client) for _ in range(4)]
        await put(log, *(refused(number) for number in range(300)))
        await asyncio.gather(*(found(quarantine) for quarantine in quarantines))
        entries = await found(quarantines[0])
        await asyncio.gather(
            *(put(log, refused(number)) for number in range(250, 350)),
            *(
                quarantine.discard(entry.id, by=f"user {number}", at=T0)
                for number, quarantine in enumerate(quarantines)
                for entry in entries[number * 10 : number * 10 + 10]
            ),
            *(
                quarantine.drop_beyond(QuarantineLimits(), now=datetime.now(UTC))
                for quarantine in quarantines
            ),
        )
        assert sorted(await numbers(quarantines[0])) == list(range(350))
        closed = await found(quarantines[0], QuarantineFilter(state=QuarantineState.DISCARDED))
        assert [entry.id for entry in closed] == [entry.id for entry in entries[:40]]
        totals = await quarantines[0].totals()
        assert (totals.messages, totals.doubles) == (350, 50)
        assert sum((await quarantines[0].counts()).values()) == await client.xlen("quarantine") == 350

    async def test_one_replay_of_two_at_once_does_not_undo_the_other(
        self, client: Redis, log: DurableLog
    ) -> None:
        await put(log, refused(1))
        quarantine = RedisQuarantine(client)
        [entry] = await found(quarantine)
        records = [Record("readings:0", "readings", b"[]")]
        await asyncio.gather(
            *(quarantine.replay(entry.id, records=records, defects=(), by="ann", at=T0) for _ in range(20))
        )
        assert [entry.state for entry in await found(quarantine)] == [QuarantineState.REPLAYED]
        assert await client.xlen("readings:0") == 20


@pytest.mark.integration
class TestRedisQuarantineOnValkey(OverClient, QuarantineContract, QuarantineLimitsContract):
    @pytest.fixture
    def client(self, valkey_client: Redis) -> Redis:
        return valkey_client


@pytest.mark.integration
class TestFull:
    """When Redis has no memory for anything more."""

    async def test_what_frees_memory_still_works(self, redis_client: Redis) -> None:
        log, quarantine = RedisDurableLog(redis_client), RedisQuarantine(redis_client)
        await put(log, *(refused(number) for number in range(300)))
        await redis_client.config_set("maxmemory", "1")
        try:
            dropped = await quarantine.drop_beyond(QuarantineLimits(messages=100), now=datetime.now(UTC))
            assert dropped.open_for_room == 200
            [entry, *_] = await found(quarantine)
            assert await quarantine.discard(entry.id, by="ann", at=T0)
        finally:
            await redis_client.config_set("maxmemory", "0")
        assert await redis_client.xlen("quarantine") == 100

    async def test_a_replay_waits_for_room_and_does_nothing_by_half(self, redis_client: Redis) -> None:
        log, quarantine = RedisDurableLog(redis_client), RedisQuarantine(redis_client)
        await put(log, refused(1))
        [entry] = await found(quarantine)
        records = [Record("readings:0", "readings", b"[]")]
        await redis_client.config_set("maxmemory", "1")
        try:
            with pytest.raises(RetryableError):
                await quarantine.replay(entry.id, records=records, defects=(), by="ann", at=T0)
        finally:
            await redis_client.config_set("maxmemory", "0")
        assert await found(quarantine) == [entry]
        assert await redis_client.exists("readings:0") == 0
