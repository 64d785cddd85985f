"""Both stores of alert records keep the same contract."""

from typing import Any

import pytest
from redis.asyncio import Redis

from microgrid_common.adapters.redis.alarm_states import RedisAlarmStates
from microgrid_common.adapters.redis.alert_records import RedisAlertRecords
from microgrid_common.ports.alarm_states import AlarmStates
from microgrid_common.ports.alert_records import AlertRecords
from microgrid_common.testing.contracts.alert_counts import AlertCountsContract
from microgrid_common.testing.contracts.alert_records import AlertRecordsContract, record
from microgrid_common.testing.contracts.alert_retention import AlertRetentionContract
from microgrid_common.testing.fakes.alarm_states import FakeAlarmStates
from microgrid_common.testing.fakes.alert_records import FakeAlertRecords
from microgrid_common.testing.samples import put_alerts


class TestFakeAlertRecords(AlertRecordsContract, AlertCountsContract, AlertRetentionContract):
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
class TestRedisAlertRecords(OverClient, AlertRecordsContract, AlertCountsContract, AlertRetentionContract):
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

    async def test_what_somebody_needs_again_meanwhile_is_not_forgotten(
        self, states: AlarmStates, records: AlertRecords, client: Redis, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        needed = record(1, cleared_at=record(2).raised_at)
        over = record(2, cleared_at=record(2).raised_at, hidden_at_end=True)
        await put_alerts(states, needed.model_copy(update={"hidden_at_end": True}), over)
        look = client.zrange

        async def look_and_change(*arguments: Any, **options: Any) -> Any:
            found = await look(*arguments, **options)
            await put_alerts(states, needed)
            return found

        monkeypatch.setattr(client, "zrange", look_and_change)
        assert await records.forget(record(9).raised_at, limit=10) == 1
        assert await records.get(needed.id) == needed
        assert await records.get(over.id) is None


@pytest.mark.integration
class TestRedisAlertRecordsOnValkey(
    OverClient, AlertRecordsContract, AlertCountsContract, AlertRetentionContract
):
    @pytest.fixture
    def client(self, valkey_client: Redis) -> Redis:
        return valkey_client
