"""What the alarm stores in Redis do when the server fails, is full, or holds what nobody can read."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import deepcopy
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import ConnectionError as RedisConnectionError

from microgrid_common.adapters.redis.alarm_states import RedisAlarmStates
from microgrid_common.adapters.redis.alert_records import RedisAlertRecords
from microgrid_common.adapters.redis.connection import make_client
from microgrid_common.adapters.redis.durable_log import RedisDurableLog
from microgrid_common.ports.alarm_states import GridCommit
from microgrid_common.ports.alert_records import AlertQuery
from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.testing.contracts.alarm_changes import (
    VILLAGE,
    at,
    event_of,
    events_in,
    ids_in,
    ids_of,
    put_timers,
    raising,
)
from microgrid_common.testing.contracts.alert_records import record
from microgrid_common.testing.samples import put_alerts
from microgrid_common.testing.servers import Redis as RedisServer
from microgrid_common.testing.waiting import free_port
from microgrid_common.transforms.alarms.documents import DeviceAlarms, GridAlarms

pytestmark = pytest.mark.integration


@asynccontextmanager
async def full(client: Redis) -> AsyncIterator[None]:
    """While memory is full."""
    await client.config_set("maxmemory", "1")
    try:
        yield
    finally:
        await client.config_set("maxmemory", "0")


async def contents(client: Redis) -> dict[Any, Any]:
    """All that is stored, by key."""
    return {key: await client.dump(key) for key in await client.keys()}


@pytest.fixture(params=["redis", "valkey"])
def client(request: pytest.FixtureRequest) -> Redis:
    found: Redis = request.getfixturevalue(f"{request.param}_client")
    return found


class TestFull:
    async def test_nothing_of_a_commit_is_made(self, client: Redis) -> None:
        states = RedisAlarmStates(client)
        await states.commit([await raising(states, "a", timer=at(1))])
        before = await contents(client)
        commits = [
            await raising(states, "a", "b", timer=at(2)),
            await raising(states, "c", grid_id="town"),
            GridCommit("hamlet", grid=None, devices={}, timers={}, events=[event_of(record(1))]),
        ]
        async with full(client):
            for commit in commits:
                with pytest.raises(RetryableError, match="maxmemory"):
                    await states.commit([commit])
            with pytest.raises(RetryableError, match="maxmemory"):
                await states.commit(commits)
            assert await contents(client) == before
        assert await states.commit(commits) == [True, True, True]

    async def test_a_commit_that_begins_with_what_needs_no_memory_is_made_whole(self, client: Redis) -> None:
        states = RedisAlarmStates(client)
        await put_timers(states, VILLAGE, a=at(1))
        events = [event_of(record(1))]
        commit = GridCommit(
            VILLAGE, grid=None, devices={}, timers={"a": None}, alerts=[record(1)], events=events
        )
        async with full(client):
            assert await states.commit([commit]) == [True]
        assert await ids_in(RedisAlertRecords(client)) == ids_of([1])
        assert await events_in(RedisDurableLog(client)) == events
        assert await states.due(None, at(9), limit=9) == []

    async def test_records_are_found_and_forgotten(self, client: Redis) -> None:
        states, records = RedisAlarmStates(client), RedisAlertRecords(client)
        over = record(1, cleared_at=at(2), hidden_at_end=True)
        await put_alerts(states, over, record(2))
        async with full(client):
            assert (await records.find(AlertQuery(grid_id=VILLAGE))).alerts == [record(2), over]
            assert await records.forget(at(3), limit=9) == 1
        assert await ids_in(records) == ids_of([2])


class TestAway:
    async def test_a_server_that_is_not_there_is_a_retryable_error(self) -> None:
        client = make_client(f"redis://127.0.0.1:{free_port()}/0")
        states, records = RedisAlarmStates(client), RedisAlertRecords(client)
        commit = GridCommit(VILLAGE, grid=GridAlarms(), devices={"a": DeviceAlarms()}, timers={"a": at(1)})
        calls = [
            states.load({VILLAGE: ["a"]}),
            states.commit([commit]),
            states.due(None, at(1), limit=1),
            states.ping(),
            records.get("alert-1"),
            records.find(AlertQuery(grid_id=VILLAGE)),
            records.active_alerts(),
            records.active_alerts(VILLAGE),
            records.count_active(VILLAGE),
            records.put_aside_alerts(),
            records.forget(at(1), limit=1),
            records.ping(),
        ]
        for call in calls:
            with pytest.raises(RetryableError):
                await call
        assert commit.devices["a"].revision == 0
        await client.aclose()

    async def test_a_server_that_takes_no_writes_for_now_is_a_retryable_error(self, client: Redis) -> None:
        states = RedisAlarmStates(client)
        commit = await raising(states, "meter")
        await client.config_set("min-replicas-to-write", "1")
        try:
            with pytest.raises(RetryableError, match="replicas"):
                await states.commit([commit])
        finally:
            await client.config_set("min-replicas-to-write", "0")
        assert await states.commit([commit]) == [True]

    async def test_a_commit_whose_answer_never_came_is_seen_to_be_made(
        self, client: Redis, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        states = RedisAlarmStates(client)
        commit = await raising(states, "meter", timer=at(1))
        execute = Pipeline.execute

        async def execute_and_lose_the_answer(pipeline: Pipeline, **options: Any) -> None:
            await execute(pipeline, **options)
            raise RedisConnectionError("connection lost")

        monkeypatch.setattr(Pipeline, "execute", execute_and_lose_the_answer)
        again = deepcopy(commit)
        with pytest.raises(RetryableError, match="lost"):
            await states.commit([commit])
        monkeypatch.undo()
        assert await states.commit([again]) == [False]
        loaded = (await states.load({VILLAGE: ["meter"]}))[VILLAGE]
        assert loaded.devices["meter"].points["load-abnormality"].alert == commit.alerts[0]
        assert len(await events_in(RedisDurableLog(client))) == 1

    async def test_what_was_committed_survives_a_kill_at_once(
        self, redis_client: Redis, redis_server: RedisServer
    ) -> None:
        states = RedisAlarmStates(redis_client)
        for number in range(3):
            await states.commit([await raising(states, f"meter-{number}", timer=at(number))])
            await asyncio.to_thread(redis_server.kill)
            await asyncio.to_thread(redis_server.start)
        assert await ids_in(RedisAlertRecords(redis_client)) == ids_of([1, 2, 3])
        assert len(await states.due(None, at(9), limit=9)) == 3

    async def test_it_goes_on_when_the_server_has_forgotten_its_scripts(self, client: Redis) -> None:
        states, records = RedisAlarmStates(client), RedisAlertRecords(client)
        await put_alerts(states, record(1, cleared_at=at(1), hidden_at_end=True))
        await client.script_flush()
        assert await states.commit([await raising(states, "meter")]) == [True]
        await client.script_flush()
        assert await records.forget(at(2), limit=9) == 1


class TestUnreadable:
    async def test_a_devices_document_begins_anew(self, client: Redis) -> None:
        states = RedisAlarmStates(client)
        await states.commit([await raising(states, "bad", "good")])
        await client.hset("alarm:documents:village", "bad", '7 {"points":{"overload":{"alert":{}}}}')
        loaded = (await states.load({VILLAGE: ["bad", "good"]}))[VILLAGE]
        assert loaded.devices["bad"] == DeviceAlarms(revision=7)
        assert loaded.devices["good"].points
        commit = GridCommit(VILLAGE, grid=loaded.grid, devices=loaded.devices, timers={})
        assert await states.commit([commit]) == [True]

    async def test_a_grids_document_begins_anew_and_gives_no_number_again(self, client: Redis) -> None:
        states = RedisAlarmStates(client)
        await states.commit([await raising(states, *(f"meter-{number}" for number in range(11)))])
        for damaged in ("8 {", "9 []", '10 {"last_number":"x"}'):
            await client.hset("alarm:documents:village", "", damaged)
            grid = (await states.load({VILLAGE: []}))[VILLAGE].grid
            assert grid == GridAlarms(revision=int(damaged.split()[0]), last_number=11)
        await client.hset("alarm:documents:town", "", "1 {")
        assert (await states.load({"town": []}))["town"].grid == GridAlarms(revision=1)

    async def test_a_key_of_another_type_is_a_permanent_error_and_nothing_is_made(
        self, client: Redis
    ) -> None:
        states = RedisAlarmStates(client)
        await client.set("alarm:documents:village", "no hash")
        commit = GridCommit(VILLAGE, grid=GridAlarms(), devices={}, timers={}, alerts=[record(1)])
        with pytest.raises(PermanentError):
            await states.commit([commit])
        assert await client.keys() == [b"alarm:documents:village"]
