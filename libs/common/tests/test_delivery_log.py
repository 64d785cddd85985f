"""Both ledgers of deliveries keep the same contract."""

from datetime import timedelta

import pytest
from redis.asyncio import Redis

from microgrid_common.adapters.redis import delivery_log as redis_delivery_log
from microgrid_common.adapters.redis.delivery_log import RedisDeliveryLog
from microgrid_common.ports.delivery_log import KEPT_AFTER_END, DeliveryLog, DeliveryPlan
from microgrid_common.schemas.alert import Severity
from microgrid_common.schemas.delivery import Delivery, Occasion
from microgrid_common.testing.contracts.delivery_log import DeliveryLogContract
from microgrid_common.testing.fakes import delivery_log as fake_delivery_log
from microgrid_common.testing.fakes.delivery_log import FakeDeliveryLog
from microgrid_common.testing.samples import SAMPLE_TIME


def _delivery(alert_id: str) -> Delivery:
    return Delivery(
        id="a",
        alert_id=alert_id,
        grid_id="default",
        occasion=Occasion.RAISED,
        severity=Severity.WARNING,
        channel_id="mail",
        created_at=SAMPLE_TIME,
        look_again_at=SAMPLE_TIME,
    )


@pytest.fixture
def few_may_wait(monkeypatch: pytest.MonkeyPatch) -> int:
    for module in (fake_delivery_log, redis_delivery_log):
        monkeypatch.setattr(module, "MOST_WAITING", 5)
    return 5


class TestFakeDeliveryLog(DeliveryLogContract):
    @pytest.fixture
    def deliveries(self) -> DeliveryLog:
        return FakeDeliveryLog()


@pytest.mark.integration
class TestRedisDeliveryLog(DeliveryLogContract):
    @pytest.fixture
    def deliveries(self, redis_client: Redis) -> DeliveryLog:
        return RedisDeliveryLog(redis_client)

    async def test_what_somebody_begins_to_send_while_it_is_read_is_left_to_them(
        self, redis_client: Redis
    ) -> None:
        log = RedisDeliveryLog(redis_client)
        [planned] = await log.record(DeliveryPlan("alert-1", [_delivery("alert-1")]))
        later = SAMPLE_TIME + timedelta(seconds=90)
        assert await log.change([planned.model_copy(update={"look_again_at": later})])
        # As the queue stood when the reader asked for it, a moment before the delivery itself.
        await redis_client.zadd("notify:waiting:mail", {"alert-1 a": 0})
        assert await log.waiting("mail", before=SAMPLE_TIME, limit=10) == []
        assert len(await log.waiting("mail", before=later, limit=10)) == 1

    async def test_only_the_deliveries_of_alarms_that_are_over_expire(self, redis_client: Redis) -> None:
        log = RedisDeliveryLog(redis_client)
        for name in ("alert-1", "alert-2"):
            await log.record(DeliveryPlan(name, [_delivery(name)]))
        await log.record(DeliveryPlan("alert-1", ends=True))
        kept = await redis_client.ttl("notify:of:alert-1")
        assert KEPT_AFTER_END.total_seconds() - 60 < kept <= KEPT_AFTER_END.total_seconds()
        assert await redis_client.ttl("notify:of:alert-2") == -1


@pytest.mark.integration
class TestRedisDeliveryLogOnValkey(DeliveryLogContract):
    @pytest.fixture
    def deliveries(self, valkey_client: Redis) -> DeliveryLog:
        return RedisDeliveryLog(valkey_client)
