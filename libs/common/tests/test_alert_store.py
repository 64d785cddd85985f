"""Both alert stores keep the same contract."""

import pytest
from redis.asyncio import Redis

from microgrid_common.adapters.redis.alert_store import RedisAlertStore
from microgrid_common.adapters.redis.durable_log import RedisDurableLog
from microgrid_common.adapters.redis.evaluation_progress import RedisEvaluationProgress
from microgrid_common.ports.alert_store import AlertStore
from microgrid_common.ports.durable_log import DurableLog
from microgrid_common.ports.errors import RetryableError
from microgrid_common.ports.evaluation_progress import EvaluationProgress
from microgrid_common.testing.contracts.alert_store import AlertStoreContract, wanted
from microgrid_common.testing.contracts.evaluation_progress import EvaluationProgressContract
from microgrid_common.testing.fakes.alert_store import FakeAlertStore
from microgrid_common.testing.fakes.evaluation_progress import FakeEvaluationProgress


class TestFakeAlertStore(AlertStoreContract):
    @pytest.fixture
    def store(self) -> FakeAlertStore:
        return FakeAlertStore()

    @pytest.fixture
    def log(self, store: FakeAlertStore) -> DurableLog:
        return store.log

    async def test_it_fails_when_told_to_and_then_nothing_is_raised(self, store: FakeAlertStore) -> None:
        store.fail_next(RetryableError("away"))
        with pytest.raises(RetryableError, match="away"):
            await store.raise_alert(wanted())
        assert await store.active_alerts() == []


class TestFakeEvaluationProgress(EvaluationProgressContract):
    @pytest.fixture
    def progress(self) -> EvaluationProgress:
        return FakeEvaluationProgress()


class OverClient:
    @pytest.fixture
    def store(self, client: Redis) -> AlertStore:
        return RedisAlertStore(client)

    @pytest.fixture
    def log(self, client: Redis) -> DurableLog:
        return RedisDurableLog(client)

    @pytest.fixture
    def progress(self, client: Redis) -> EvaluationProgress:
        return RedisEvaluationProgress(client)


@pytest.mark.integration
class TestRedisAlertStore(OverClient, AlertStoreContract, EvaluationProgressContract):
    @pytest.fixture
    def client(self, redis_client: Redis) -> Redis:
        return redis_client

    async def test_it_goes_on_when_the_server_has_forgotten_its_scripts(
        self, store: AlertStore, client: Redis
    ) -> None:
        await store.raise_alert(wanted(rule_id="before"))
        await client.script_flush()
        assert await store.raise_alert(wanted(rule_id="after"))


@pytest.mark.integration
class TestRedisAlertStoreOnValkey(OverClient, AlertStoreContract, EvaluationProgressContract):
    @pytest.fixture
    def client(self, valkey_client: Redis) -> Redis:
        return valkey_client
