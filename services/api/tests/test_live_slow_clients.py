"""Slow clients of a grid: they get the newest readings, every alert or the door, and hold nobody up."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, ExitStack, suppress
from datetime import timedelta

import pytest
from fastapi import FastAPI

from microgrid_api.live import channel as live_channel
from microgrid_api.live import connection as live_connection
from microgrid_api.live.channel import LiveChannel
from microgrid_api.live.feed import LiveFeed
from microgrid_api.live.messages import GridReadings
from microgrid_common.testing.asgi_websocket import AsgiWebSocket, asgi_websocket
from microgrid_common.testing.fakes.alarm_states import FakeAlarmStates
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.samples import (
    SAMPLE_TIME,
    append_readings,
    put_alerts,
    sample_reading,
    sample_record,
)
from microgrid_common.testing.waiting import wait_until

GRID = "village-1"

Connect = Callable[..., AbstractAsyncContextManager[AsgiWebSocket]]
Publish = Callable[..., Awaitable[None]]


@pytest.fixture(autouse=True)
def quick_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_channel, "PACE", timedelta(milliseconds=1))


@pytest.fixture
def connect(app: FastAPI, feed: LiveFeed) -> Connect:
    def open_connection(cursor: str | None = None) -> AbstractAsyncContextManager[AsgiWebSocket]:
        query = "token=prototype_token" + (f"&cursor={cursor}" if cursor else "")
        return asgi_websocket(app, f"/api/live/{GRID}", query=query)

    return open_connection


@pytest.fixture
def publish(log: FakeDurableLog, feed: LiveFeed) -> Publish:
    """Publishes a reading a second later than the one before, and waits until the feed has it."""
    published = 0

    async def append(consumption_kw: float) -> None:
        nonlocal published
        published += 1
        at = SAMPLE_TIME + timedelta(seconds=published)
        await append_readings(log, sample_reading(at, grid_id=GRID, consumption_kw=consumption_kw))
        await wait_until(
            lambda: feed.values(GRID)["consumption_kw"].value == consumption_kw,
            timeout=5,
            description="the feed to have the reading",
        )

    return append


async def consumption(client: AsgiWebSocket) -> float:
    message = await client.receive()
    assert message["type"] == "reading"
    value: float = message["readings"]["consumption_kw"]["value"]
    return value


async def raise_alerts(states: FakeAlarmStates, feed: LiveFeed, *numbers: int) -> None:
    seen = feed.alert_events_seen
    await put_alerts(states, *(sample_record(number=number, grid_id=GRID) for number in numbers))
    await wait_until(
        lambda: feed.alert_events_seen == seen + len(numbers), timeout=5, description="the alerts"
    )


async def test_it_gets_the_newest_readings_and_every_alert(
    connect: Connect, publish: Publish, states: FakeAlarmStates, feed: LiveFeed
) -> None:
    async with connect() as client:
        await client.receive()
        client.may_send.clear()
        for consumption_kw in (1, 2, 3, 4):
            await publish(consumption_kw)
        await raise_alerts(states, feed, 1, 2, 3)
        client.may_send.set()
        readings: list[float] = []
        alerts: list[str] = []
        while len(alerts) < 3 or readings[-1:] != [4]:
            message = await client.receive()
            if message["type"] == "alert":
                alerts.append(message["alert"]["id"])
            else:
                readings.append(message["readings"]["consumption_kw"]["value"])
    assert alerts == ["alert-village-1-1", "alert-village-1-2", "alert-village-1-3"]
    assert len(readings) <= 2, "the one that was on its way, and the newest"


async def test_it_does_not_slow_another(connect: Connect, publish: Publish) -> None:
    async with connect() as slow, connect() as quick:
        await slow.receive()
        await quick.receive()
        slow.may_send.clear()
        for consumption_kw in (1, 2, 3):
            await publish(consumption_kw)
            assert await consumption(quick) == consumption_kw


async def test_when_too_many_alerts_wait_for_it_it_is_sent_away_and_gets_them_by_its_cursor(
    connect: Connect, states: FakeAlarmStates, feed: LiveFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_channel, "ALERTS_KEPT", 2)
    async with connect() as client, connect() as quick:
        cursor = (await client.receive())["cursor"]
        await quick.receive()
        client.may_send.clear()
        for number in range(1, 7):
            await raise_alerts(states, feed, number)
            assert (await quick.receive())["alert"]["id"] == f"alert-village-1-{number}"
        client.may_send.set()
        heard = []
        with suppress(ConnectionError):
            while True:
                message = await client.receive()
                heard.append(message["alert"]["id"])
                cursor = message["cursor"]
    assert (client.close_code, client.close_reason) == (1013, "the connection is too slow for the alerts")
    async with connect(cursor) as client:
        assert (await client.receive())["type"] == "resumed"
        heard += [(await client.receive())["alert"]["id"] for _ in range(6 - len(heard))]
    assert heard == [f"alert-village-1-{number}" for number in range(1, 7)]


async def test_one_that_takes_nothing_for_long_is_sent_away(
    connect: Connect, publish: Publish, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_connection, "SEND_WITHIN", timedelta(milliseconds=10))
    channels = app.state.context.live_channels
    async with connect() as client:
        await client.receive()
        client.may_send.clear()
        await publish(1)
        await wait_until(lambda: not channels.watched, timeout=5, description="the client to be given up")
        client.may_send.set()
        assert await client.closed() == 1013
        assert client.close_reason == "the connection is too slow"


async def test_a_message_is_made_once_for_all_clients_of_a_grid(
    connect: Connect, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[GridReadings] = []
    original = GridReadings.model_dump_json

    def counted(message: GridReadings) -> str:
        made.append(message)
        return original(message)

    monkeypatch.setattr(GridReadings, "model_dump_json", counted)
    async with connect() as first, connect() as second, connect() as third:
        clients = (first, second, third)
        for client in clients:
            await client.receive()
        await publish(14.2)
        assert [await consumption(client) for client in clients] == [14.2] * 3
    assert len(made) == 1


async def test_what_comes_while_clients_are_being_woken_is_not_forgotten(
    feed: LiveFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_channel, "_WOKEN_AT_ONCE", 1)
    channel = LiveChannel(feed, GRID)
    with ExitStack() as sleeping:
        sleeping.callback(channel.close)
        sleepers = [sleeping.enter_context(channel.sleeper()) for _ in range(10)]
        channel.changed()
        await sleepers[-1]
        assert not sleepers[0].done(), "they are still being woken, one at a time"
        channel.changed()
        late = sleeping.enter_context(channel.sleeper())
        async with asyncio.timeout(5):
            await asyncio.gather(*sleepers, late)
