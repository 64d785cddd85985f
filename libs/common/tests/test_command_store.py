"""Both stores of commands keep the same contract."""

import pytest
from redis.asyncio import Redis

from microgrid_common.adapters.redis.command_store import RedisCommandStore
from microgrid_common.adapters.redis.durable_log import RedisDurableLog
from microgrid_common.ports.command_store import CommandStore, CommandWrite, RequestKey
from microgrid_common.ports.durable_log import DurableLog
from microgrid_common.testing.contracts.command_store import CommandStoreContract, sample_command
from microgrid_common.testing.fakes.command_store import FakeCommandStore
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.samples import SAMPLE_TIME


class TestFakeCommandStore(CommandStoreContract):
    @pytest.fixture
    def log(self) -> FakeDurableLog:
        return FakeDurableLog()

    @pytest.fixture
    def commands(self, log: FakeDurableLog) -> CommandStore:
        return FakeCommandStore(log)


@pytest.mark.integration
class TestRedisCommandStore(CommandStoreContract):
    @pytest.fixture
    def log(self, redis_client: Redis) -> DurableLog:
        return RedisDurableLog(redis_client)

    @pytest.fixture
    def commands(self, redis_client: Redis) -> CommandStore:
        return RedisCommandStore(redis_client)

    async def test_nothing_of_a_command_stays_for_ever(
        self, commands: CommandStore, redis_client: Redis
    ) -> None:
        command = await commands.create(sample_command(), RequestKey("maria", "tap-1", "identify"))
        assert await commands.apply(CommandWrite(command.model_copy(update={"attempts": 1}), SAMPLE_TIME))
        keys = await redis_client.keys("command:*")
        days = {key: await redis_client.pttl(key) / 86_400_000 for key in keys}
        assert days.pop(b"command:due") < 0
        assert sorted(round(each) for each in days.values()) == [1, 90, 90]

    async def test_a_command_whose_record_is_gone_is_in_nobodys_way(
        self, commands: CommandStore, redis_client: Redis
    ) -> None:
        gone, there = [await commands.create(sample_command(number)) for number in (1, 2)]
        await redis_client.delete(f"command:record:{gone.command_id}")
        await commands.due(SAMPLE_TIME, limit=1)
        assert await commands.due(SAMPLE_TIME, limit=1) == [there]
        page = await commands.of_device("village-1", "inverter-1", limit=10)
        assert page.commands == [there]

    async def test_a_record_that_cannot_be_read_stops_no_other(
        self, commands: CommandStore, redis_client: Redis
    ) -> None:
        broken, there = [await commands.create(sample_command(number)) for number in (1, 2)]
        await redis_client.set(f"command:record:{broken.command_id}", b'1 {"state": "lost"}')
        assert await commands.due(SAMPLE_TIME, limit=10) == [there]
        assert await commands.get(broken.command_id) is None
        assert (await commands.of_device("village-1", "inverter-1", limit=10)).commands == [there]


@pytest.mark.integration
class TestRedisCommandStoreOnValkey(CommandStoreContract):
    @pytest.fixture
    def log(self, valkey_client: Redis) -> DurableLog:
        return RedisDurableLog(valkey_client)

    @pytest.fixture
    def commands(self, valkey_client: Redis) -> CommandStore:
        return RedisCommandStore(valkey_client)
