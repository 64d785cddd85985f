"""Both audit logs keep the same contract."""

import pytest
from redis.asyncio import Redis

from microgrid_common.adapters.redis.audit_log import RedisAuditLog
from microgrid_common.ports.audit_log import AuditLog
from microgrid_common.testing.contracts.audit_log import AuditLogContract
from microgrid_common.testing.fakes.audit_log import FakeAuditLog


class TestFakeAuditLog(AuditLogContract):
    @pytest.fixture
    def audit(self) -> AuditLog:
        return FakeAuditLog()


@pytest.mark.integration
class TestRedisAuditLog(AuditLogContract):
    @pytest.fixture
    def audit(self, redis_client: Redis) -> AuditLog:
        return RedisAuditLog(redis_client)


@pytest.mark.integration
class TestRedisAuditLogOnValkey(AuditLogContract):
    @pytest.fixture
    def audit(self, valkey_client: Redis) -> AuditLog:
        return RedisAuditLog(valkey_client)
