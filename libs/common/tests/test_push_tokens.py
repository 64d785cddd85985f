"""Both stores of push tokens keep the same contract."""

import pytest
from redis.asyncio import Redis

from microgrid_common.adapters.redis.push_tokens import RedisPushTokens
from microgrid_common.ports.push_tokens import PushTokens
from microgrid_common.testing.contracts.push_tokens import PushTokensContract
from microgrid_common.testing.fakes.push_tokens import FakePushTokens


class TestFakePushTokens(PushTokensContract):
    @pytest.fixture
    def tokens(self) -> PushTokens:
        return FakePushTokens()


@pytest.mark.integration
class TestRedisPushTokens(PushTokensContract):
    @pytest.fixture
    def tokens(self, redis_client: Redis) -> PushTokens:
        return RedisPushTokens(redis_client)


@pytest.mark.integration
class TestRedisPushTokensOnValkey(PushTokensContract):
    @pytest.fixture
    def tokens(self, valkey_client: Redis) -> PushTokens:
        return RedisPushTokens(valkey_client)
