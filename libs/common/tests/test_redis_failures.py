"""What the Redis adapters do when the server fails, and what survives it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from microgrid_common.adapters.redis.alarm_states import RedisAlarmStates
from microgrid_common.adapters.redis.alert_records import RedisAlertRecords
from microgrid_common.adapters.redis.connection import make_client, redis_errors
from microgrid_common.adapters.redis.durable_log import RedisDurableLog
from microgrid_common.adapters.redis.log_consumer import RedisLogConsumer
from microgrid_common.ports.durable_log import AppendId, Entry, Record, append_ids
from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.runtime.backoff import until_it_works
from microgrid_common.testing.contracts.alarm_changes import raising
from microgrid_common.testing.contracts.durable_log import records, texts_in, texts_of, trim_until_gone
from microgrid_common.testing.servers import Redis as RedisServer
from microgrid_common.testing.waiting import free_port, wait_until

pytestmark = pytest.mark.integration

NO_WAIT = timedelta()


@asynccontextmanager
async def reader(client: Redis, *streams: str, member: str = "first") -> AsyncIterator[RedisLogConsumer]:
    consumer = RedisLogConsumer(
        client,
        group="readers",
        member=member,
        streams=streams or ("s",),
        lease=timedelta(seconds=1),
    )
    async with consumer:
        yield consumer


async def read_again(consumer: RedisLogConsumer) -> list[Entry]:
    """Read after a crash of the server, of which the first attempts may still hear."""
    return await until_it_works(
        lambda: consumer.read(count=10, wait=timedelta(seconds=30)), dependency="redis"
    )


async def connected(log: RedisDurableLog) -> bool:
    await log.ping()
    return True


@pytest.fixture
async def full_client(redis_client: Redis) -> AsyncIterator[Redis]:
    """A client of a Redis without memory for anything more."""
    await redis_client.config_set("maxmemory", "1")
    yield redis_client
    await redis_client.config_set("maxmemory", "0")


class TestAway:
    async def test_a_server_that_is_not_there_is_a_retryable_error(self) -> None:
        client = make_client(f"redis://127.0.0.1:{free_port()}/0")
        log = RedisDurableLog(client)
        with pytest.raises(RetryableError):
            await log.append(records("s", "a"))
        with pytest.raises(RetryableError):
            await RedisAlarmStates(client).ping()
        await client.aclose()

    async def test_a_socket_that_is_not_there_is_a_retryable_error(self) -> None:
        client = make_client("unix:///nowhere/redis.sock?db=0")
        with pytest.raises(RetryableError):
            await RedisDurableLog(client).last_id("s")
        await client.aclose()

    async def test_a_server_that_hangs_is_a_retryable_error(
        self, redis_url: str, redis_server: RedisServer
    ) -> None:
        client = make_client(f"{redis_url}?socket_timeout=0.2")
        log = RedisDurableLog(client)
        await wait_until(lambda: connected(log), timeout=20, description="the connection")
        await asyncio.to_thread(redis_server.pause)
        try:
            with pytest.raises(RetryableError):
                await log.append(records("s", "a"))
        finally:
            await asyncio.to_thread(redis_server.resume)
            await client.aclose()

    async def test_an_append_whose_answer_never_came_is_not_doubled_by_a_retry(
        self, redis_client: Redis, redis_url: str, redis_server: RedisServer
    ) -> None:
        client = make_client(f"{redis_url}?socket_timeout=0.2")
        impatient, log, ids = RedisDurableLog(client), RedisDurableLog(redis_client), append_ids()
        await log.append(records("s", "before"), append_id=next(ids))
        await wait_until(lambda: connected(impatient), timeout=20, description="the connection")
        append_id = next(ids)
        await asyncio.to_thread(redis_server.pause)
        try:
            for _ in range(3):
                with pytest.raises(RetryableError):
                    await impatient.append(records("s", "a"), append_id=append_id)
        finally:
            await asyncio.to_thread(redis_server.resume)
        # All four reach the server, in whatever order.
        await log.append(records("s", "a"), append_id=append_id)
        await log.append(records("s", "after"), append_id=next(ids))
        assert await texts_in(log, "s") == ["before", "a", "after"]
        await client.aclose()

    async def test_after_a_crash_all_goes_on_with_what_was_there(
        self, redis_client: Redis, redis_server: RedisServer
    ) -> None:
        log, states = RedisDurableLog(redis_client), RedisAlarmStates(redis_client)
        await log.append(records("s", "a", "b"))
        async with reader(redis_client) as consumer:
            [in_hand] = await consumer.read(count=1, wait=timedelta(seconds=30))
            await consumer.acknowledge(await consumer.read(count=1, wait=timedelta(seconds=30)))
            raised = await raising(states, "meter")
            assert await states.commit([raised]) == [True]
            await asyncio.to_thread(redis_server.kill)
            with pytest.raises(RetryableError):
                await consumer.read(count=10, wait=NO_WAIT)
            with pytest.raises(RetryableError):
                await states.commit([raised])
            await asyncio.to_thread(redis_server.start)
            assert await texts_in(log, "s") == ["a", "b"]
            assert await read_again(consumer) == [in_hand]
        assert await RedisAlertRecords(redis_client).active_alerts() == raised.alerts

    async def test_what_was_appended_survives_a_kill_at_once(
        self, redis_client: Redis, redis_server: RedisServer
    ) -> None:
        log = RedisDurableLog(redis_client)
        for number in range(5):
            await log.append(records("s", f"{number}a", f"{number}b"))
            await asyncio.to_thread(redis_server.kill)
            await asyncio.to_thread(redis_server.start)
        assert await texts_in(log, "s") == [f"{number}{letter}" for number in range(5) for letter in "ab"]

    async def test_a_waiting_reader_hears_of_a_crash(
        self, redis_client: Redis, redis_server: RedisServer
    ) -> None:
        async with reader(redis_client) as consumer:
            reading = asyncio.create_task(consumer.read(count=1, wait=timedelta(seconds=30)))
            await wait_until(
                lambda: _blocked_clients(redis_client), timeout=60, description="the reader to wait in Redis"
            )
            await asyncio.to_thread(redis_server.kill)
            with pytest.raises(RetryableError):
                await reading
            await asyncio.to_thread(redis_server.start)
            await RedisDurableLog(redis_client).append(records("s", "a"))
            assert texts_of(await read_again(consumer)) == ["a"]


class TestFull:
    @pytest.mark.parametrize("append_id", [None, AppendId("writer", 1)], ids=["without an id", "with an id"])
    async def test_nothing_of_an_append_is_kept_when_memory_is_full(
        self, full_client: Redis, append_id: AppendId | None
    ) -> None:
        log = RedisDurableLog(full_client)
        with pytest.raises(RetryableError):
            await log.append([*records("s", "a"), *records("t", "b")], append_id=append_id)
        await full_client.config_set("maxmemory", "0")
        assert await texts_in(log, "s") == await texts_in(log, "t") == []
        await log.append(records("s", "a"), append_id=append_id)
        assert await texts_in(log, "s") == ["a"]

    async def test_what_is_in_the_log_is_read_by_whoever_comes_while_memory_is_full(
        self, redis_client: Redis
    ) -> None:
        log = RedisDurableLog(redis_client)
        await log.append(records("s", "a", "b", "c"))
        async with reader(redis_client) as first:
            entries = await first.read(count=1, wait=timedelta(seconds=30))
            await redis_client.config_set("maxmemory", "1")
            try:
                await first.acknowledge(entries)
                await first.stop_renewing()
                async with reader(redis_client, member="second") as second:
                    left = await second.read(count=10, wait=timedelta(seconds=30))
                    await second.acknowledge(left)
                await trim_until_gone(log, "s", "c")
            finally:
                await redis_client.config_set("maxmemory", "0")
        assert texts_of(left) == ["b", "c"]


class TestWritesRefusedForNow:
    @pytest.mark.parametrize("append_id", [None, AppendId("writer", 1)], ids=["without an id", "with an id"])
    async def test_they_are_retryable_whether_in_a_pipeline_or_not(
        self, redis_client: Redis, append_id: AppendId | None
    ) -> None:
        log = RedisDurableLog(redis_client)
        await redis_client.config_set("min-replicas-to-write", "1")
        try:
            with pytest.raises(RetryableError, match="NOREPLICAS"):
                await log.append(records("s", "a", "b"), append_id=append_id)
        finally:
            await redis_client.config_set("min-replicas-to-write", "0")

    @pytest.mark.parametrize("said", ["MISCONF it's unable to persist", "BUSY a script runs"])
    def test_what_the_server_said_counts_however_the_pipeline_quotes_it(self, said: str) -> None:
        with pytest.raises(RetryableError), redis_errors():
            raise ResponseError(f"Command # 1 (XADD s * a b) of pipeline caused error: {(said,)}")


async def _blocked_clients(client: Redis) -> int:
    information = await client.info("clients")
    return int(information["blocked_clients"])


async def test_a_command_that_the_server_refuses_is_a_permanent_error(redis_client: Redis) -> None:
    await redis_client.set("s", "no stream")
    with pytest.raises(PermanentError):
        await RedisDurableLog(redis_client).append([Record("s", "text", b"a")])


async def test_entries_deleted_while_pending_are_skipped_and_acknowledged(redis_client: Redis) -> None:
    log = RedisDurableLog(redis_client)
    async with reader(redis_client) as consumer:
        await log.append(records("s", "a", "b", "c"))
        entries = await consumer.read(count=10, wait=timedelta(seconds=30))
        await redis_client.xdel("s", entries[0].id, entries[2].id)

    async with reader(redis_client) as restarted:
        assert texts_of(await restarted.read(count=10, wait=timedelta(seconds=30))) == ["b"]
    assert (await redis_client.xpending("s", "readers"))["pending"] == 1


async def test_a_group_that_was_lost_with_the_data_is_made_again(redis_client: Redis) -> None:
    log = RedisDurableLog(redis_client)
    async with reader(redis_client, "s", "t") as consumer:
        await log.append(records("s", "a"))
        assert texts_of(await consumer.read(count=10, wait=timedelta(seconds=30))) == ["a"]
        await redis_client.flushall()
        await log.append(records("t", "b"))
        assert texts_of(await consumer.read(count=10, wait=timedelta(seconds=30))) == ["b"]


async def test_a_client_serves_more_tasks_than_it_has_connections(redis_client: Redis) -> None:
    log = RedisDurableLog(redis_client)
    await asyncio.gather(*(log.append(records("s", str(number))) for number in range(200)))
    assert len(await texts_in(log, "s")) == 200


async def test_a_reader_that_waits_does_not_hold_up_the_others(redis_client: Redis) -> None:
    log = RedisDurableLog(redis_client)
    waiting = [
        asyncio.create_task(log.read_after({"s": "0-0"}, count=1, wait=timedelta(seconds=30)))
        for _ in range(5)
    ]
    await wait_until(lambda: _blocked_clients(redis_client), timeout=60, description="a reader to wait")
    await log.append(records("s", "a"))
    async with asyncio.timeout(20):
        assert [texts_of(entries) for entries in await asyncio.gather(*waiting)] == [["a"]] * 5


async def test_an_entry_given_to_the_owner_before_still_comes_first(redis_client: Redis) -> None:
    # The read of a member that has lost its lease meanwhile: the server serves it before the new owner.
    await redis_client.xgroup_create("s", "readers", mkstream=True)
    late_read = asyncio.ensure_future(
        redis_client.xreadgroup("readers", "before", {"s": ">"}, count=1, block=30_000)
    )
    await _wait_for_blocked_clients(redis_client, 1)
    consumer = RedisLogConsumer(redis_client, group="readers", member="now", streams=["s"])
    async with consumer:
        reading = asyncio.create_task(consumer.read(count=10, wait=timedelta(seconds=30)))
        await _wait_for_blocked_clients(redis_client, 2)
        await RedisDurableLog(redis_client).append(records("s", "first", "second"))
        assert await late_read
        assert texts_of(await reading) == ["first", "second"]


async def _wait_for_blocked_clients(client: Redis, count: int) -> None:
    async def enough() -> bool:
        return await _blocked_clients(client) >= count

    await wait_until(enough, timeout=60, description=f"{count} clients to wait in Redis")
