"""Every queue of roll-ups keeps the same contract."""

import pytest
from redis.asyncio import Redis

from microgrid_common.adapters.redis.rollup_queue import RedisRollupQueue
from microgrid_common.ports.rollup_queue import RollupQueue
from microgrid_common.testing.contracts.rollup_queue import RollupQueueContract
from microgrid_common.testing.fakes.rollup_queue import FakeRollupQueue


class TestFakeRollupQueue(RollupQueueContract):
    @pytest.fixture
    def queue(self) -> RollupQueue:
        return FakeRollupQueue()


@pytest.mark.integration
class TestRedisRollupQueue(RollupQueueContract):
    @pytest.fixture
    def queue(self, redis_client: Redis) -> RollupQueue:
        return RedisRollupQueue(redis_client)


@pytest.mark.integration
class TestRedisRollupQueueOnValkey(RollupQueueContract):
    @pytest.fixture
    def queue(self, valkey_client: Redis) -> RollupQueue:
        return RedisRollupQueue(valkey_client)
