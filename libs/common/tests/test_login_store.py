"""Both implementations of `LoginStore` keep the same contract."""

import pytest
from redis.asyncio import Redis

from microgrid_common.adapters.redis.login_store import RedisLoginStore
from microgrid_common.ports.login_store import LoginStore
from microgrid_common.testing.contracts.login_store import LoginStoreContract
from microgrid_common.testing.fakes.login_store import FakeLoginStore


class TestFakeLoginStore(LoginStoreContract):
    @pytest.fixture
    def logins(self) -> LoginStore:
        return FakeLoginStore()


@pytest.mark.integration
class TestRedisLoginStore(LoginStoreContract):
    @pytest.fixture
    def logins(self, redis_client: Redis) -> LoginStore:
        return RedisLoginStore(redis_client)


@pytest.mark.integration
class TestRedisLoginStoreOnValkey(LoginStoreContract):
    @pytest.fixture
    def logins(self, valkey_client: Redis) -> LoginStore:
        return RedisLoginStore(valkey_client)
