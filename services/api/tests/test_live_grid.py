"""The live connection to a grid: its messages, and how it goes on after a cut."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import pytest
from fastapi import FastAPI

from microgrid_api.app import create_app
from microgrid_api.live import channel as live_channel
from microgrid_api.live import session as live_session
from microgrid_api.live import snapshots as live_snapshots
from microgrid_api.live.cursor import write_cursor
from microgrid_api.live.feed import LiveFeed
from microgrid_api.ports import ApiPorts
from microgrid_common.ports.durable_log import Place, Record
from microgrid_common.ports.errors import RetryableError
from microgrid_common.schemas.alert import AlertEvent, AlertTransition
from microgrid_common.schemas.device_link import DeviceLink, LinkChange, LinkEvent
from microgrid_common.schemas.identifiers import PLATFORM_GRID_ID
from microgrid_common.schemas.streams import ALERT_EVENT_KIND, ALERTS_STREAM, LINK_KIND, readings_stream_of
from microgrid_common.testing.asgi_websocket import AsgiWebSocket, asgi_websocket
from microgrid_common.testing.fakes.alarm_states import FakeAlarmStates
from microgrid_common.testing.fakes.alert_records import FakeAlertRecords
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.fakes.link_store import FakeLinkStore
from microgrid_common.testing.fakes.telemetry_store import FakeTelemetryStore
from microgrid_common.testing.samples import (
    SAMPLE_TIME,
    append_readings,
    put_alerts,
    sample_reading,
    sample_record,
)
from microgrid_common.testing.waiting import wait_until

pytestmark = pytest.mark.usefixtures("virtual_time")

GRID = "village-1"
MINUTE = timedelta(minutes=1)
SHARDS = 4

Connect = Callable[..., AbstractAsyncContextManager[AsgiWebSocket]]


@pytest.fixture(autouse=True)
def quick_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_channel, "PACE", timedelta(milliseconds=1))


@pytest.fixture
def connect(app: FastAPI, feed: LiveFeed) -> Connect:
    def open_connection(
        cursor: str | None = None, *, grid_id: str = GRID
    ) -> AbstractAsyncContextManager[AsgiWebSocket]:
        query = "token=prototype_token" + ("" if cursor is None else f"&cursor={cursor}")
        return asgi_websocket(app, f"/api/live/{grid_id}", query=query)

    return open_connection


async def raise_alerts(log: FakeDurableLog, *numbers: int, grid_id: str = GRID) -> None:
    events = [
        AlertEvent(
            transition=AlertTransition.RAISED,
            at=SAMPLE_TIME,
            alert=sample_record(number=number, grid_id=grid_id),
        )
        for number in numbers
    ]
    await log.append(
        [Record(ALERTS_STREAM, ALERT_EVENT_KIND, event.model_dump_json().encode()) for event in events]
    )


def drop_oldest(log: FakeDurableLog, count: int) -> None:
    """As trimming does."""
    del log.streams[ALERTS_STREAM][:count]


async def told_alerts(client: AsgiWebSocket, count: int) -> list[int]:
    """The numbers of the alerts that come next, and nothing else comes."""
    messages = [await client.receive() for _ in range(count)]
    assert {message["type"] for message in messages} <= {"alert"}
    return [int(message["alert"]["id"].rpartition("-")[2]) for message in messages]


async def cursor_after(connect: Connect, log: FakeDurableLog, *numbers: int) -> str:
    """The cursor of a client that was cut off after some alerts."""
    async with connect() as client:
        cursor: str = (await client.receive())["cursor"]
        await raise_alerts(log, *numbers)
        for _ in numbers:
            cursor = (await client.receive())["cursor"]
    return cursor


async def test_the_snapshot_shows_readings_alerts_and_links(
    connect: Connect, log: FakeDurableLog, states: FakeAlarmStates, links: FakeLinkStore, feed: LiveFeed
) -> None:
    await append_readings(log, sample_reading(grid_id=GRID, consumption_kw=10.5))
    await put_alerts(
        states,
        sample_record(grid_id=GRID),
        sample_record(SAMPLE_TIME + MINUTE, grid_id=PLATFORM_GRID_ID),
        sample_record(grid_id="village-2"),
    )
    links.links[GRID, "inverter-1"] = DeviceLink(
        grid_id=GRID, device_id="inverter-1", connected=True, since=SAMPLE_TIME, last_seen=SAMPLE_TIME
    )
    await wait_until(lambda: feed.values(GRID), timeout=5, description="the feed to have the reading")
    async with connect() as client:
        snapshot = await client.receive()
    assert snapshot["readings"]["consumption_kw"]["value"] == 10.5
    assert [alert["id"] for alert in snapshot["alerts"]] == ["alert-platform-1", "alert-village-1-1"]
    assert snapshot["alerts"][1]["device_id"] == "prototype"
    assert snapshot["devices"] == [
        {
            "device_id": "inverter-1",
            "connected": True,
            "stale": False,
            "last_seen": "2026-11-23T10:00:00.000Z",
        }
    ]
    assert (snapshot["more_alerts"], snapshot["more_devices"]) == (False, False)


async def test_of_many_alerts_and_devices_it_shows_some_and_says_so(
    connect: Connect, states: FakeAlarmStates, links: FakeLinkStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_snapshots, "ALERTS_SHOWN", 2)
    monkeypatch.setattr(live_snapshots, "DEVICES_SHOWN", 1)
    await put_alerts(states, *(sample_record(number=number, grid_id=GRID) for number in (1, 2, 3)))
    for device_id in ("a", "b"):
        links.links[GRID, device_id] = DeviceLink(
            grid_id=GRID, device_id=device_id, connected=True, since=SAMPLE_TIME
        )
    async with connect() as client:
        snapshot = await client.receive()
    assert [alert["id"] for alert in snapshot["alerts"]] == ["alert-village-1-3", "alert-village-1-2"]
    assert [device["device_id"] for device in snapshot["devices"]] == ["a"]
    assert (snapshot["more_alerts"], snapshot["more_devices"]) == (True, True)


async def test_what_was_stored_before_the_start_is_shown(
    connect: Connect, telemetry: FakeTelemetryStore
) -> None:
    await telemetry.write([sample_reading(SAMPLE_TIME - MINUTE, grid_id=GRID, consumption_kw=7)])
    async with connect() as client:
        assert (await client.receive())["readings"]["consumption_kw"]["value"] == 7


async def test_live_values_need_no_telemetry_store(connect: Connect, telemetry: FakeTelemetryStore) -> None:
    telemetry.fail_next(RetryableError("away"))
    async with connect() as client:
        assert (await client.receive())["type"] == "snapshot"


async def test_changes_come_with_a_cursor_each_and_none_of_another_grid(
    connect: Connect, log: FakeDurableLog
) -> None:
    link = LinkEvent(
        grid_id=GRID,
        device_id="meter-1",
        change=LinkChange.DISCONNECTED,
        at=SAMPLE_TIME,
        connected=False,
        stale=False,
    )
    async with connect() as client:
        await client.receive()
        await append_readings(log, sample_reading(grid_id="village-2", consumption_kw=1))
        await append_readings(log, sample_reading(grid_id=GRID, consumption_kw=14.2))
        reading = await client.receive()
        stream = readings_stream_of(GRID, SHARDS)
        await log.append([Record(stream, LINK_KIND, link.model_dump_json().encode())])
        devices = await client.receive()
        await raise_alerts(log, 1, grid_id="village-2")
        await raise_alerts(log, 2)
        alert = await client.receive()
    assert (reading["type"], reading["readings"]["consumption_kw"]["value"]) == ("reading", 14.2)
    assert (devices["type"], devices["devices"]) == (
        "devices",
        [{"device_id": "meter-1", "connected": False, "stale": False, "last_seen": None}],
    )
    assert (alert["type"], alert["transition"], alert["alert"]["id"]) == (
        "alert",
        "raised",
        "alert-village-1-2",
    )
    cursors = [message["cursor"] for message in (reading, devices, alert)]
    assert cursors[0] == cursors[1] != cursors[2]


async def test_a_client_that_was_cut_off_gets_what_it_missed_once_and_in_order(
    connect: Connect, log: FakeDurableLog, feed: LiveFeed
) -> None:
    cursor = await cursor_after(connect, log, 1, 2)
    await raise_alerts(log, 3)
    await raise_alerts(log, 8, grid_id="village-2")
    await raise_alerts(log, 4)
    await append_readings(log, sample_reading(grid_id=GRID, consumption_kw=3))
    await append_readings(log, sample_reading(SAMPLE_TIME + MINUTE, grid_id=GRID, consumption_kw=4))
    await wait_until(
        lambda: feed.values(GRID)["consumption_kw"].value == 4, timeout=5, description="the readings"
    )
    async with connect(cursor) as client:
        resumed = await client.receive()
        assert (resumed["type"], resumed["cursor"]) == ("resumed", cursor)
        assert resumed["readings"]["consumption_kw"]["value"] == 4
        assert await told_alerts(client, 2) == [3, 4]
        await raise_alerts(log, 5)
        assert await told_alerts(client, 1) == [5]


async def test_each_message_of_the_missed_ones_is_a_place_to_go_on_from(
    connect: Connect, log: FakeDurableLog
) -> None:
    cursor = await cursor_after(connect, log, 1)
    await raise_alerts(log, 2, 3)
    async with connect(cursor) as client:
        await client.receive()
        half_way = (await client.receive())["cursor"]
    async with connect(half_way) as client:
        await client.receive()
        assert await told_alerts(client, 1) == [3]


async def test_a_long_absence_is_read_page_by_page(
    connect: Connect, log: FakeDurableLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_session, "EVENTS_PER_READ", 2)
    cursor = await cursor_after(connect, log, 1)
    await raise_alerts(log, *range(2, 9))
    async with connect(cursor) as client:
        await client.receive()
        assert await told_alerts(client, 7) == list(range(2, 9))


async def test_a_cursor_holds_at_another_replica_and_after_a_restart(
    connect: Connect, ports: ApiPorts, log: FakeDurableLog
) -> None:
    cursor = await cursor_after(connect, log, 1)
    await raise_alerts(log, 2)
    other = LiveFeed(log=ports.log, telemetry=ports.telemetry, stream_shards=SHARDS, now=lambda: SAMPLE_TIME)
    running = asyncio.create_task(other.run())
    await wait_until(lambda: other.seeded, timeout=5, description="the other feed")
    application = create_app(ports, feed=other, now=lambda: SAMPLE_TIME)
    query = f"token=prototype_token&cursor={cursor}"
    async with asgi_websocket(application, f"/api/live/{GRID}", query=query) as client:
        assert (await client.receive())["type"] == "resumed"
        assert await told_alerts(client, 1) == [2]
        await raise_alerts(log, 3)
        assert await told_alerts(client, 1) == [3]
    running.cancel()
    await asyncio.wait([running])


async def test_who_was_away_for_longer_than_the_log_remembers_is_told_of_the_gap(
    connect: Connect, log: FakeDurableLog
) -> None:
    cursor = await cursor_after(connect, log, 1)
    await raise_alerts(log, 2, 3)
    drop_oldest(log, 2)
    async with connect(cursor) as client:
        gap, snapshot = await client.receive(), await client.receive()
        await raise_alerts(log, 4)
        assert await told_alerts(client, 1) == [4]
    assert (gap["type"], gap["reason"], "cursor" in gap) == ("gap", "trimmed", False)
    assert gap["since"].startswith("20")
    assert {"part": "alerts", "endpoint": "/api/alerts/village-1"} in gap["refetch"]
    assert snapshot["type"] == "snapshot"


async def test_what_was_had_already_may_be_dropped_without_a_gap(
    connect: Connect, log: FakeDurableLog
) -> None:
    cursor = await cursor_after(connect, log, 1)
    drop_oldest(log, 1)
    await raise_alerts(log, 2)
    async with connect(cursor) as client:
        assert (await client.receive())["type"] == "resumed"
        assert await told_alerts(client, 1) == [2]


@pytest.mark.parametrize(
    ("cursor", "reason"),
    [
        ("", "malformed"),
        ("nonsense", "malformed"),
        ("%C3%BC", "malformed"),
        ("A" * 1_000, "malformed"),
        (write_cursor("village-2", Place("1-0", 1)), "foreign"),
        (write_cursor(GRID, Place("1-0", 1)), "trimmed"),
        (write_cursor(GRID, Place("0-0", 7)), "trimmed"),
    ],
)
async def test_a_cursor_that_is_not_one_of_ours_is_a_gap_too(
    connect: Connect, log: FakeDurableLog, cursor: str, reason: str
) -> None:
    await raise_alerts(log, 1)
    async with connect(cursor) as client:
        gap, snapshot = await client.receive(), await client.receive()
    assert (gap["type"], gap["reason"], snapshot["type"]) == ("gap", reason, "snapshot")


async def test_alerts_that_the_server_itself_missed_are_a_gap_for_everybody(
    connect: Connect, log: FakeDurableLog
) -> None:
    async with connect() as client:
        await client.receive()
        # Both in one step of the event loop: the feed comes to read them too late.
        await raise_alerts(log, 1, 2)
        drop_oldest(log, 1)
        gap, snapshot = await client.receive(), await client.receive()
        await raise_alerts(log, 3)
        assert await told_alerts(client, 1) == [3]
    assert (gap["type"], snapshot["type"]) == ("gap", "snapshot")


async def test_without_the_log_a_client_is_asked_to_come_back_later(
    connect: Connect, log: FakeDurableLog, records: FakeAlertRecords
) -> None:
    cursor = await cursor_after(connect, log, 1)
    records.fail_next(RetryableError("away"))
    async with connect(cursor) as client:
        assert await client.closed() == 1013
        assert client.close_reason == "The alert store is away."


async def test_before_the_log_was_there_a_client_is_asked_to_come_back_later(app: FastAPI) -> None:
    async with asgi_websocket(app, f"/api/live/{GRID}", query="token=prototype_token") as client:
        assert await client.closed() == 1013
        assert client.close_reason == "The log of live readings is away."
