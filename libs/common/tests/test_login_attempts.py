"""Both implementations of `LoginAttempts` keep the same contract."""

import pytest
from redis.asyncio import Redis

from microgrid_common.adapters.redis.login_attempts import RedisLoginAttempts
from microgrid_common.ports.login_attempts import LoginAttempts
from microgrid_common.testing.contracts.login_attempts import LoginAttemptsContract
from microgrid_common.testing.fakes.login_attempts import FakeLoginAttempts


class TestFakeLoginAttempts(LoginAttemptsContract):
    @pytest.fixture
    def attempts(self) -> LoginAttempts:
        return FakeLoginAttempts()


@pytest.mark.integration
class TestRedisLoginAttempts(LoginAttemptsContract):
    @pytest.fixture
    def attempts(self, redis_client: Redis) -> LoginAttempts:
        return RedisLoginAttempts(redis_client)


@pytest.mark.integration
class TestRedisLoginAttemptsOnValkey(LoginAttemptsContract):
    @pytest.fixture
    def attempts(self, valkey_client: Redis) -> LoginAttempts:
        return RedisLoginAttempts(valkey_client)
