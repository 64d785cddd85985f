"""Both stores of the ledgers keep the same contract."""

import pytest
from redis.asyncio import Redis

from microgrid_common.adapters.redis.ledger_store import RedisLedgerStore
from microgrid_common.ports.errors import RetryableError
from microgrid_common.ports.ledger_store import DeviceAccount, LedgerChanges, LedgerPage
from microgrid_common.schemas.ledger import DeviceLedger
from microgrid_common.testing.contracts.ledger_store import METER, LedgerStoreContract, enter
from microgrid_common.testing.fakes.ledger_store import FakeLedgerStore


class TestFakeLedgerStore(LedgerStoreContract):
    @pytest.fixture
    def store(self) -> FakeLedgerStore:
        return FakeLedgerStore()

    async def test_it_fails_when_told_to_and_then_nothing_is_entered(self, store: FakeLedgerStore) -> None:
        store.fail_next(RetryableError("away"))
        with pytest.raises(RetryableError, match="away"):
            await enter(store, LedgerChanges({METER: DeviceLedger("meter")}))
        assert await store.load("s", [METER]) == LedgerPage("0-0", {})


@pytest.mark.integration
class TestRedisLedgerStore(LedgerStoreContract):
    @pytest.fixture
    def store(self, redis_client: Redis) -> RedisLedgerStore:
        return RedisLedgerStore(redis_client)

    async def test_a_ledger_that_cannot_be_read_is_begun_anew(
        self, store: RedisLedgerStore, redis_client: Redis
    ) -> None:
        await enter(store, LedgerChanges({METER: DeviceLedger("meter")}))
        await redis_client.hset("ledger:devices", "village-1:meter-1", '{"version":2}')
        assert await store.load("s", [METER]) == LedgerPage("1-0", {})
        assert await store.account(METER) is None

    async def test_what_a_device_was_asked_for_is_forgotten_when_it_cannot_be_read(
        self, store: RedisLedgerStore, redis_client: Redis
    ) -> None:
        ledger = DeviceLedger("meter")
        await enter(store, LedgerChanges({METER: ledger}, look_at={METER: 1}))
        await redis_client.hset("ledger:asked", "village-1:meter-1", '{"version":2}')
        assert await store.account(METER) == DeviceAccount(ledger, ())
        assert await store.remember_asked(METER, before=(), after=(), look_again_at=2)

    async def test_when_memory_is_short_nothing_of_an_entry_is_entered(
        self, store: RedisLedgerStore, redis_client: Redis
    ) -> None:
        await redis_client.config_set("maxmemory", 1)
        try:
            with pytest.raises(RetryableError):
                await enter(store, LedgerChanges({METER: DeviceLedger("meter")}))
        finally:
            await redis_client.config_set("maxmemory", 0)
        assert await store.load("s", [METER]) == LedgerPage("0-0", {})


@pytest.mark.integration
class TestRedisLedgerStoreOnValkey(LedgerStoreContract):
    @pytest.fixture
    def store(self, valkey_client: Redis) -> RedisLedgerStore:
        return RedisLedgerStore(valkey_client)
