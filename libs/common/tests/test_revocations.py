"""All stores of ended logins keep the same contract."""

from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from microgrid_common.adapters.redis.revocations import RedisRevocations
from microgrid_common.ports.revocations import Revocations
from microgrid_common.testing.contracts.revocations import RevocationsContract
from microgrid_common.testing.fakes.revocations import FakeRevocations


class TestFakeRevocations(RevocationsContract):
    @pytest.fixture
    def revocations(self) -> Revocations:
        return FakeRevocations()


@pytest.mark.integration
class TestRedisRevocations(RevocationsContract):
    @pytest.fixture
    def revocations(self, redis_client: Redis) -> Revocations:
        return RedisRevocations(redis_client)

    async def test_it_keeps_a_login_no_longer_than_it_must(self, redis_client: Redis) -> None:
        revocations = RedisRevocations(redis_client)
        await revocations.revoke("login-1", until=datetime.now(UTC) + timedelta(days=1))
        await revocations.revoke("login-1", until=datetime.now(UTC) + timedelta(days=30))
        await revocations.revoke("long-ago", until=datetime.now(UTC) - timedelta(days=1))
        [key] = await redis_client.keys()
        left = timedelta(milliseconds=await redis_client.pttl(key))
        assert timedelta(days=29) < left <= timedelta(days=30)


@pytest.mark.integration
class TestRedisRevocationsOnValkey(RevocationsContract):
    @pytest.fixture
    def revocations(self, valkey_client: Redis) -> Revocations:
        return RedisRevocations(valkey_client)
