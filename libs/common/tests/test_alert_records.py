"""Both stores of alert records keep the same contract."""

import pytest
from redis.asyncio import Redis

from microgrid_common.adapters.redis.alarm_states import RedisAlarmStates
from microgrid_common.adapters.redis.alert_records import RedisAlertRecords
from microgrid_common.ports.alarm_states import AlarmStates
from microgrid_common.ports.alert_records import AlertRecords
from microgrid_common.testing.contracts.alert_records import AlertRecordsContract, record
from microgrid_common.testing.contracts.alert_retention import AlertRetentionContract
from microgrid_common.testing.fakes.alarm_states import FakeAlarmStates
from microgrid_common.testing.fakes.alert_records import FakeAlertRecords
from microgrid_common.testing.samples import put_alerts


class TestFakeAlertRecords(AlertRecordsContract, AlertRetentionContract):
    @pytest.fixture
    def states(self) -> FakeAlarmStates:
        return FakeAlarmStates()

    @pytest.fixture
    def records(self, states: FakeAlarmStates) -> AlertRecords:
        return FakeAlertRecords(states)


class OverClient:
    @pytest.fixture
    def states(self, client: Redis) -> AlarmStates:
        return RedisAlarmStates(client)

    @pytest.fixture
    def records(self, client: Redis) -> AlertRecords:
        return RedisAlertRecords(client)


@pytest.mark.integration
class TestRedisAlertRecords(OverClient, AlertRecordsContract, AlertRetentionContract):
    @pytest.fixture
    def client(self, redis_client: Redis) -> Redis:
        return redis_client

    async def test_nothing_of_what_was_forgotten_is_left(
        self, states: AlarmStates, records: AlertRecords, client: Redis
    ) -> None:
        over = record(1, cleared_at=record(2).raised_at, acknowledged_at=record(3).raised_at)
        await put_alerts(states, record(1), tell=False)
        await put_alerts(states, over, tell=False)
        await records.forget(record(9).raised_at, limit=10)
        assert await client.keys() == [b"alarm:documents:village"]


@pytest.mark.integration
class TestRedisAlertRecordsOnValkey(OverClient, AlertRecordsContract, AlertRetentionContract):
    @pytest.fixture
    def client(self, valkey_client: Redis) -> Redis:
        return valkey_client
