"""Both rule stores keep the same contract."""

import pytest
from redis.asyncio import Redis

from microgrid_common.adapters.redis.rule_store import RedisRuleStore
from microgrid_common.ports.rule_store import RuleStore
from microgrid_common.schemas.alarm_rule import AlarmRuleDraft
from microgrid_common.testing.contracts.rule_store import RuleStoreContract
from microgrid_common.testing.fakes.rule_store import FakeRuleStore

_DRAFT = AlarmRuleDraft.model_validate(
    {
        "rule_id": "offline",
        "name": "Offline",
        "condition": {"type": "disconnected"},
        "severity": "warning",
        "message": "Offline.",
    }
)


class TestFakeRuleStore(RuleStoreContract):
    @pytest.fixture
    def store(self) -> RuleStore:
        return FakeRuleStore()


@pytest.mark.integration
class TestRedisRuleStore(RuleStoreContract):
    @pytest.fixture
    def store(self, redis_client: Redis) -> RuleStore:
        return RedisRuleStore(redis_client)

    async def test_what_a_newer_service_wrote_is_read_as_far_as_it_is_known(
        self, redis_client: Redis, store: RuleStore
    ) -> None:
        await store.seed([_DRAFT])
        newer = _DRAFT.model_dump_json().replace('"name"', '"colour":"red","name"')
        await redis_client.hset("rule:current", "offline", f"2 {newer}")
        (rule,) = (await store.book()).rules
        assert (rule.rule_id, rule.version) == ("offline", 2)

    @pytest.mark.parametrize("text", ["", "{}", "1 {}", "x {}", "1 []", "1 \xff"])
    async def test_one_entry_that_cannot_be_read_leaves_the_others_alone(
        self, redis_client: Redis, store: RuleStore, text: str
    ) -> None:
        await store.seed([_DRAFT])
        await redis_client.hset("rule:current", "broken", text.encode("latin-1"))
        await redis_client.hset("rule:windows", "broken", text.encode("latin-1"))
        book = await store.book()
        assert [rule.rule_id for rule in book.rules] == ["offline"]
        assert book.windows == ()
        assert not await store.disable("broken", version=1, because="It cannot be read.")


@pytest.mark.integration
class TestRedisRuleStoreOnValkey(RuleStoreContract):
    @pytest.fixture
    def store(self, valkey_client: Redis) -> RuleStore:
        return RedisRuleStore(valkey_client)
