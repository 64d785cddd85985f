"""Both stores of device links keep the same contract."""

import pytest
from redis.asyncio import Redis

from microgrid_common.adapters.redis.durable_log import RedisDurableLog
from microgrid_common.adapters.redis.link_store import RedisLinkStore
from microgrid_common.ports.durable_log import DurableLog
from microgrid_common.ports.link_store import LinkStore
from microgrid_common.testing.contracts.link_store import LinkStoreContract
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.fakes.link_store import FakeLinkStore


class TestFakeLinkStore(LinkStoreContract):
    @pytest.fixture
    def log(self) -> FakeDurableLog:
        return FakeDurableLog()

    @pytest.fixture
    def links(self, log: FakeDurableLog) -> LinkStore:
        return FakeLinkStore(log)


@pytest.mark.integration
class TestRedisLinkStore(LinkStoreContract):
    @pytest.fixture
    def log(self, redis_client: Redis) -> DurableLog:
        return RedisDurableLog(redis_client)

    @pytest.fixture
    def links(self, redis_client: Redis) -> LinkStore:
        return RedisLinkStore(redis_client)


@pytest.mark.integration
class TestRedisLinkStoreOnValkey(LinkStoreContract):
    @pytest.fixture
    def log(self, valkey_client: Redis) -> DurableLog:
        return RedisDurableLog(valkey_client)

    @pytest.fixture
    def links(self, valkey_client: Redis) -> LinkStore:
        return RedisLinkStore(valkey_client)
