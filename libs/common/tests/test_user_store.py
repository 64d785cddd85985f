"""Both implementations of `UserStore` keep the same contract."""

import pytest
from redis.asyncio import Redis

from microgrid_common.adapters.redis.user_store import RedisUserStore
from microgrid_common.ports.user_store import UserStore
from microgrid_common.testing.contracts.user_store import UserStoreContract
from microgrid_common.testing.fakes.user_store import FakeUserStore


class TestFakeUserStore(UserStoreContract):
    @pytest.fixture
    def users(self) -> UserStore:
        return FakeUserStore()


@pytest.mark.integration
class TestRedisUserStore(UserStoreContract):
    @pytest.fixture
    def users(self, redis_client: Redis) -> UserStore:
        return RedisUserStore(redis_client)


@pytest.mark.integration
class TestRedisUserStoreOnValkey(UserStoreContract):
    @pytest.fixture
    def users(self, valkey_client: Redis) -> UserStore:
        return RedisUserStore(valkey_client)
