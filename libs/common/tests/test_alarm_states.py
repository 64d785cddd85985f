"""Both stores of alarm documents keep the same contract."""

import pytest
from redis.asyncio import Redis

from microgrid_common.adapters.redis.alarm_states import RedisAlarmStates
from microgrid_common.adapters.redis.alert_records import RedisAlertRecords
from microgrid_common.adapters.redis.durable_log import RedisDurableLog
from microgrid_common.ports.alarm_states import AlarmStates
from microgrid_common.ports.alert_records import AlertRecords
from microgrid_common.ports.durable_log import DurableLog
from microgrid_common.ports.errors import RetryableError
from microgrid_common.testing.contracts.alarm_changes import raising
from microgrid_common.testing.contracts.alarm_states import AlarmStatesContract
from microgrid_common.testing.fakes.alarm_states import FakeAlarmStates
from microgrid_common.testing.fakes.alert_records import FakeAlertRecords
from microgrid_common.testing.fakes.durable_log import FakeDurableLog


class TestFakeAlarmStates(AlarmStatesContract):
    @pytest.fixture
    def log(self) -> FakeDurableLog:
        return FakeDurableLog()

    @pytest.fixture
    def states(self, log: FakeDurableLog) -> FakeAlarmStates:
        return FakeAlarmStates(log)

    @pytest.fixture
    def records(self, states: FakeAlarmStates) -> AlertRecords:
        return FakeAlertRecords(states)

    async def test_it_fails_when_told_to_and_then_nothing_is_made(self, states: FakeAlarmStates) -> None:
        commit = await raising(states, "meter")
        states.fail_next(RetryableError("away"))
        with pytest.raises(RetryableError, match="away"):
            await states.commit([commit])
        assert states.alerts == {}
        assert states.events == []
        assert commit.devices["meter"].revision == 0

    async def test_an_answer_that_is_lost_comes_after_all_was_made(self, states: FakeAlarmStates) -> None:
        commit = await raising(states, "meter")
        states.lose_next_answer()
        with pytest.raises(RetryableError, match="lost"):
            await states.commit([commit])
        assert list(states.alerts) == ["alert-village-1"]
        assert commit.devices["meter"].revision == 0
        assert await states.commit([commit]) == [False]


class OverClient:
    @pytest.fixture
    def states(self, client: Redis) -> AlarmStates:
        return RedisAlarmStates(client)

    @pytest.fixture
    def records(self, client: Redis) -> AlertRecords:
        return RedisAlertRecords(client)

    @pytest.fixture
    def log(self, client: Redis) -> DurableLog:
        return RedisDurableLog(client)


@pytest.mark.integration
class TestRedisAlarmStates(OverClient, AlarmStatesContract):
    @pytest.fixture
    def client(self, redis_client: Redis) -> Redis:
        return redis_client


@pytest.mark.integration
class TestRedisAlarmStatesOnValkey(OverClient, AlarmStatesContract):
    @pytest.fixture
    def client(self, valkey_client: Redis) -> Redis:
        return valkey_client
