"""All stores of answers under keys keep the same contract."""

from datetime import timedelta

import pytest
from redis.asyncio import Redis

from microgrid_common.adapters.redis.idempotency_store import RedisIdempotencyStore
from microgrid_common.ports.idempotency_store import IdempotencyStore, KeptAnswer, KeyedRequest
from microgrid_common.testing.contracts.idempotency_store import IdempotencyStoreContract
from microgrid_common.testing.fakes.idempotency_store import FakeIdempotencyStore


class TestFakeIdempotencyStore(IdempotencyStoreContract):
    @pytest.fixture
    def answers(self) -> IdempotencyStore:
        return FakeIdempotencyStore()


@pytest.mark.integration
class TestRedisIdempotencyStore(IdempotencyStoreContract):
    @pytest.fixture
    def answers(self, redis_client: Redis) -> IdempotencyStore:
        return RedisIdempotencyStore(redis_client)

    async def test_a_key_is_held_for_minutes_and_an_answer_kept_for_a_day(self, redis_client: Redis) -> None:
        answers, request = RedisIdempotencyStore(redis_client), KeyedRequest("key-1", "content")

        async def left() -> timedelta:
            [key] = await redis_client.keys()
            return timedelta(milliseconds=await redis_client.pttl(key))

        await answers.begin(request)
        assert timedelta(minutes=1) < await left() <= timedelta(minutes=2)
        await answers.finish(request, KeptAnswer(204, (), b""))
        assert timedelta(hours=23) < await left() <= timedelta(hours=24)
        await answers.begin(request)
        assert timedelta(hours=23) < await left() <= timedelta(hours=24)


@pytest.mark.integration
class TestRedisIdempotencyStoreOnValkey(IdempotencyStoreContract):
    @pytest.fixture
    def answers(self, valkey_client: Redis) -> IdempotencyStore:
        return RedisIdempotencyStore(valkey_client)
