"""The live connection: who may open it, what comes over it, and what a slow client means."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import timedelta
from functools import partial

import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY

from microgrid_api.app import create_app
from microgrid_api.live import connection as live_connection
from microgrid_api.live.feed import LiveFeed
from microgrid_api.ports import ApiPorts
from microgrid_common.ports.errors import RetryableError
from microgrid_common.testing.asgi_websocket import AsgiWebSocket, asgi_websocket
from microgrid_common.testing.fakes.alarm_states import FakeAlarmStates
from microgrid_common.testing.fakes.alert_records import FakeAlertRecords
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.samples import (
    SAMPLE_TIME,
    append_readings,
    put_alerts,
    sample_reading,
    sample_record,
)
from microgrid_common.testing.waiting import wait_until

pytestmark = pytest.mark.usefixtures("virtual_time")

Connect = Callable[[], AbstractAsyncContextManager[AsgiWebSocket]]
Publish = Callable[..., Awaitable[None]]


@pytest.fixture
def connect(app: FastAPI, feed: LiveFeed) -> Connect:
    """Opens a connection with a valid token to an API whose feed runs."""
    return partial(asgi_websocket, app, "/api/live", query="token=prototype_token")


@pytest.fixture
def publish(log: FakeDurableLog, feed: LiveFeed) -> Publish:
    """Publishes readings, each a second after the one before, and waits until the feed has them."""
    published = 0

    async def append(*consumptions_kw: float) -> None:
        nonlocal published
        for consumption_kw in consumptions_kw:
            at = SAMPLE_TIME + timedelta(seconds=published)
            await append_readings(log, sample_reading(at, consumption_kw=consumption_kw))
            published += 1
        await wait_until(
            lambda: feed.values("default")["consumption_kw"].value == consumptions_kw[-1],
            timeout=5,
            description="the feed to have the readings",
        )

    return append


def open_connections() -> float | None:
    return REGISTRY.get_sample_value("microgrid_live_clients")


async def consumption(client: AsgiWebSocket) -> float:
    message = await client.receive()
    assert message["type"] in {"snapshot", "reading"}
    value: float = message["readings"]["consumption_kw"]["value"]
    return value


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("token=prototype_token", {}),
        ("", {"Authorization": "Bearer prototype_token"}),
        ("", {"Authorization": "bearer prototype_token"}),
    ],
)
async def test_a_token_may_come_in_the_address_or_in_a_header(
    app: FastAPI, feed: LiveFeed, query: str, headers: dict[str, str]
) -> None:
    async with asgi_websocket(app, "/api/live", query=query, headers=headers) as client:
        assert (await client.receive())["type"] == "snapshot"


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("", {}),
        ("token=wrong", {}),
        ("token=", {}),
        ("token=prototype_token%00", {}),
        ("token=%ED%A0%80", {}),
        ("token=prototype_token", {"Authorization": "Bearer wrong"}),
        ("", {"Authorization": "Basic dXNlcjpwYXNzd29yZA=="}),
        ("", {"Authorization": "Bearer ü"}),
    ],
)
async def test_without_the_right_token_it_closes_and_says_why(
    app: FastAPI, query: str, headers: dict[str, str]
) -> None:
    async with asgi_websocket(app, "/api/live", query=query, headers=headers) as client:
        assert await client.closed() == 4401
        assert client.close_reason == "the token is missing or not valid"


async def test_the_snapshot_shows_the_newest_values_and_the_active_alerts(
    connect: Connect, publish: Publish, states: FakeAlarmStates
) -> None:
    await publish(10.5)
    await put_alerts(states, sample_record())
    async with connect() as client:
        snapshot = await client.receive()
    assert snapshot["readings"]["consumption_kw"]["value"] == 10.5
    assert [alert["id"] for alert in snapshot["alerts"]] == ["alert-1"]


async def test_of_many_alerts_the_snapshot_shows_the_newest_and_says_that_there_are_more(
    connect: Connect, states: FakeAlarmStates
) -> None:
    await put_alerts(states, *(sample_record(number=number) for number in range(1, 502)), tell=False)
    async with connect() as client:
        snapshot = await client.receive()
    assert (len(snapshot["alerts"]), snapshot["alerts"][0]["id"]) == (500, "alert-501")
    assert snapshot["more_alerts"]


async def test_every_transition_of_an_alert_comes(connect: Connect, states: FakeAlarmStates) -> None:
    async with connect() as client:
        await client.receive()
        await put_alerts(states, sample_record())
        later = SAMPLE_TIME + timedelta(minutes=1)
        await put_alerts(states, sample_record(cleared_at=later))
        raised, cleared = await client.receive(), await client.receive()
    assert (raised["transition"], raised["at"]) == ("raised", "2026-11-23T10:00:00.000Z")
    assert (cleared["transition"], cleared["at"]) == ("cleared", "2026-11-23T10:01:00.000Z")
    assert cleared["alert"]["id"] == raised["alert"]["id"] == "alert-1"


async def test_heartbeats_come_while_nothing_happens(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_connection, "HEARTBEAT_EVERY", timedelta(milliseconds=10))
    async with connect() as client:
        await client.receive()
        assert [await client.receive() for _ in range(2)] == [{"type": "heartbeat"}] * 2


async def test_a_client_that_speaks_is_not_disturbed(connect: Connect, publish: Publish) -> None:
    async with connect() as client:
        await client.receive()
        client.to_server.put_nowait({"type": "websocket.receive", "text": '{"type":"hello"}'})
        await publish(14.2)
        assert await consumption(client) == 14.2


async def test_a_slow_client_gets_the_latest_values_and_every_alert(
    connect: Connect, publish: Publish, states: FakeAlarmStates, feed: LiveFeed
) -> None:
    async with connect() as client:
        await client.receive()
        client.may_send.clear()
        await publish(1)  # This one is on its way when the client becomes slow.
        await publish(2, 3, 4, 5)
        await put_alerts(states, *(sample_record(number=number) for number in (1, 2, 3)))
        await wait_until(lambda: feed.alert_events_seen == 3, timeout=5, description="the alerts")
        client.may_send.set()

        assert await consumption(client) == 1
        assert [(await client.receive())["alert"]["id"] for _ in range(3)] == [
            "alert-1",
            "alert-2",
            "alert-3",
        ]
        assert await consumption(client) == 5


async def test_a_slow_client_does_not_slow_another(connect: Connect, publish: Publish) -> None:
    async with connect() as slow, connect() as quick:
        await slow.receive()
        await quick.receive()
        slow.may_send.clear()
        for consumption_kw in (1, 2, 3):
            await publish(consumption_kw)
            assert await consumption(quick) == consumption_kw


async def test_a_client_that_takes_nothing_for_long_is_sent_away(
    connect: Connect, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_connection, "SEND_WITHIN", timedelta(milliseconds=10))
    before = open_connections()
    async with connect() as client:
        await client.receive()
        client.may_send.clear()
        await publish(1)
        await wait_until(
            lambda: open_connections() == before, timeout=5, description="the client to be given up"
        )
        client.may_send.set()
        assert await client.closed() == 1013
        assert client.close_reason == "the connection is too slow"


async def test_a_client_that_would_miss_an_alert_is_sent_away(
    ports: ApiPorts, states: FakeAlarmStates
) -> None:
    feed = LiveFeed(log=ports.log, telemetry=ports.telemetry, stream_shards=4, alert_events_kept=2)
    running = asyncio.create_task(feed.run())
    await wait_until(lambda: feed.connected, timeout=5, description="the feed to be up")
    app = create_app(ports, feed=feed)
    async with asgi_websocket(app, "/api/live", query="token=prototype_token") as client:
        await client.receive()
        client.may_send.clear()
        await put_alerts(states, *(sample_record(number=number) for number in (1, 2, 3, 4)))
        await wait_until(lambda: feed.alert_events_seen == 4, timeout=5, description="the alerts")
        client.may_send.set()
        assert await client.closed() == 1013
        assert client.close_reason == "the connection is too slow for the alerts"
    running.cancel()
    await asyncio.wait([running])


async def test_there_is_a_limit_to_the_number_of_clients(connect: Connect) -> None:
    async with AsyncExitStack() as connections:
        clients = [await connections.enter_async_context(connect()) for _ in range(3)]
        for client in clients:
            await client.receive()
        async with connect() as one_too_many:
            assert await one_too_many.closed() == 1013
            assert one_too_many.close_reason == "too many live connections"
    async with connect() as after_they_left:
        assert (await after_they_left.receive())["type"] == "snapshot"


async def test_a_client_that_leaves_is_no_longer_counted(connect: Connect) -> None:
    before = open_connections()
    async with connect() as client:
        await client.receive()
        assert open_connections() == (before or 0) + 1
        client.leave()
        await wait_until(lambda: open_connections() == before, timeout=5, description="the client to go")


async def test_without_the_alerts_a_client_is_asked_to_come_back_later(
    connect: Connect, records: FakeAlertRecords
) -> None:
    records.fail_next(RetryableError("away"))
    async with connect() as client:
        assert await client.closed() == 1013
        assert client.close_reason == "The alert store is away."


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://localhost:5000", True),
        ("https://evil.example", False),
        ("http://127.0.0.1:9000", False),
        ("null", False),
        ("http://[", False),
    ],
)
async def test_a_web_page_of_another_origin_is_refused(
    ports: ApiPorts, feed: LiveFeed, origin: str, *, allowed: bool
) -> None:
    app = create_app(ports, feed=feed, cors_origins=["http://localhost:5000"])
    headers = {"Host": "127.0.0.1:8000", "Origin": origin}
    async with asgi_websocket(app, "/api/live", query="token=prototype_token", headers=headers) as client:
        if allowed:
            assert (await client.receive())["type"] == "snapshot"
        else:
            assert await client.closed() == 4403
