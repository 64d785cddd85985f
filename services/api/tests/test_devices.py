"""The devices of a grid: listed, shown, registered, and told about as they come and go."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from services.api.tests.problems import detail_of, fields_of

from microgrid_api.live.feed import LiveFeed
from microgrid_api.live.links import LiveLinks
from microgrid_common.ports.durable_log import Record
from microgrid_common.ports.errors import RetryableError
from microgrid_common.ports.link_store import LinkWrite
from microgrid_common.schemas.device import Device
from microgrid_common.schemas.device_link import DeviceLink, LinkChange, LinkEvent
from microgrid_common.schemas.identifiers import DEFAULT_GRID_ID
from microgrid_common.schemas.streams import LINK_KIND, readings_stream_of
from microgrid_common.testing.asgi_websocket import asgi_websocket
from microgrid_common.testing.fakes.device_registry import FakeDeviceRegistry
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.fakes.link_store import FakeLinkStore
from microgrid_common.testing.samples import SAMPLE_TIME

INVERTER = Device(
    grid_id="village-1",
    device_id="inverter-1",
    device_type="inverter",
    component="roof-array",
    parent_id="gateway-1",
    latitude=-0.1,
    longitude=34.75,
    expected_interval_seconds=5,
    metadata={"serial": "X-1234"},
)


def link_of(device_id: str, **fields: Any) -> DeviceLink:
    given = {"connected": True, "since": SAMPLE_TIME, "last_seen": SAMPLE_TIME, **fields}
    return DeviceLink(grid_id="village-1", device_id=device_id, **given)


async def keep(links: FakeLinkStore, *heard: DeviceLink) -> None:
    await links.apply([LinkWrite((link.grid_id, link.device_id), 0, link, None) for link in heard])


@pytest.fixture
async def village(devices: FakeDeviceRegistry, links: FakeLinkStore) -> None:
    """A grid with a device that is registered and heard, and others that are only one of it."""
    await devices.put([INVERTER, Device(grid_id="village-1", device_id="meter-1", device_type="meter")])
    await keep(
        links,
        link_of("inverter-1", metrics=("ac_voltage_v", "generation_kw"), boot_id="5f2c"),
        link_of("stranger", connected=False, stale=True),
    )


@pytest.mark.usefixtures("village")
async def test_the_list_has_who_is_registered_and_who_was_heard(operator: httpx.AsyncClient) -> None:
    answer = await operator.get("/api/device/village-1/list")
    assert answer.status_code == 200
    nobody: dict[str, Any] = {"component": None, "parent_id": None, "metrics": []}
    assert answer.json() == [
        {
            "id": "inverter-1",
            "type": "inverter",
            "component": "roof-array",
            "parent_id": "gateway-1",
            "registered": True,
            "connected": True,
            "since": "2026-11-23T10:00:00.000Z",
            "last_seen": "2026-11-23T10:00:00.000Z",
            "stale": False,
            "metrics": ["ac_voltage_v", "generation_kw"],
        },
        {
            **nobody,
            "id": "meter-1",
            "type": "meter",
            "registered": True,
            "connected": False,
            "since": None,
            "last_seen": None,
            "stale": True,
        },
        {
            **nobody,
            "id": "stranger",
            "type": "unregistered",
            "registered": False,
            "connected": False,
            "since": "2026-11-23T10:00:00.000Z",
            "last_seen": "2026-11-23T10:00:00.000Z",
            "stale": True,
        },
    ]


@pytest.mark.usefixtures("village")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("connected=true", ["inverter-1"]),
        ("connected=false", ["meter-1", "stranger"]),
        ("stale=true", ["meter-1", "stranger"]),
        ("connected=false&stale=false", []),
    ],
)
async def test_the_list_can_be_narrowed(operator: httpx.AsyncClient, query: str, expected: list[str]) -> None:
    answer = await operator.get(f"/api/device/village-1/list?{query}")
    assert [device["id"] for device in answer.json()] == expected


async def test_the_list_of_a_grid_without_devices_is_empty(operator: httpx.AsyncClient) -> None:
    answer = await operator.get("/api/device/nowhere/list")
    assert (answer.status_code, answer.json()) == (200, [])


@pytest.mark.usefixtures("village")
async def test_a_device_is_shown_with_all_that_is_known(operator: httpx.AsyncClient) -> None:
    shown = (await operator.get("/api/device/village-1/inverter-1")).json()
    assert shown["grid_id"] == "village-1"
    assert (shown["latitude"], shown["longitude"]) == (-0.1, 34.75)
    assert (shown["expected_interval_seconds"], shown["learned_interval_seconds"]) == (5, 60)
    assert (shown["metadata"], shown["boot_id"]) == ({"serial": "X-1234"}, "5f2c")
    stranger = (await operator.get("/api/device/village-1/stranger")).json()
    assert (stranger["type"], stranger["metadata"], stranger["latitude"]) == ("unregistered", {}, None)


@pytest.mark.usefixtures("village")
@pytest.mark.parametrize("path", ["village-1/nobody", "village-2/inverter-1"])
async def test_a_device_that_is_not_there_is_not_found(operator: httpx.AsyncClient, path: str) -> None:
    for method in ("GET", "DELETE"):
        assert (await operator.request(method, f"/api/device/{path}")).status_code == 404


async def test_a_device_is_registered_and_replaced(
    operator: httpx.AsyncClient, devices: FakeDeviceRegistry
) -> None:
    url = "/api/device/village-1/inverter-1"
    body = {**INVERTER.model_dump(exclude={"grid_id", "device_id", "device_type"}), "type": "inverter"}
    answer = await operator.put(url, json=body)
    assert answer.status_code == 200
    assert await devices.get("village-1", "inverter-1") == INVERTER
    assert (answer.json()["registered"], answer.json()["last_seen"]) == (True, None)
    await operator.put(url, json={"type": "meter"})
    assert await devices.of_grid("village-1") == [
        Device(grid_id="village-1", device_id="inverter-1", device_type="meter")
    ]


@pytest.mark.usefixtures("village")
async def test_a_device_is_taken_out_of_the_registry_and_stays_known_as_it_was_heard(
    operator: httpx.AsyncClient,
) -> None:
    answer = await operator.delete("/api/device/village-1/inverter-1")
    assert (answer.status_code, answer.json()["type"]) == (200, "inverter")
    shown = (await operator.get("/api/device/village-1/inverter-1")).json()
    assert (shown["registered"], shown["type"], shown["connected"]) == (False, "unregistered", True)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"type": "two words"}, "type"),
        ({"device_type": "meter"}, "device_type"),
        ({"latitude": 91}, "latitude"),
        ({"parent_id": "inverter-1"}, "parent_id"),
        ({"expected_interval_seconds": -1}, "expected_interval_seconds"),
        ({"metadata": {"a": 1}}, "metadata"),
    ],
)
async def test_a_registration_that_makes_no_sense_is_refused_by_its_field(
    operator: httpx.AsyncClient, devices: FakeDeviceRegistry, body: dict[str, object], field: str
) -> None:
    answer = await operator.put("/api/device/village-1/inverter-1", json=body)
    assert answer.status_code == 422
    assert fields_of(answer)[0].startswith(f"body.{field}")
    assert await devices.of_grid("village-1") == []


@pytest.mark.parametrize("path", ["bad%20grid/list", "village-1/bad%20device", "village-1/" + "x" * 65])
async def test_names_that_cannot_be_are_refused(operator: httpx.AsyncClient, path: str) -> None:
    assert (await operator.get(f"/api/device/{path}")).status_code == 422


async def test_nobody_sees_or_changes_devices_without_signing_in(stranger: httpx.AsyncClient) -> None:
    for method, path in (("GET", "list"), ("GET", "meter-1"), ("PUT", "meter-1"), ("DELETE", "meter-1")):
        answer = await stranger.request(method, f"/api/device/village-1/{path}", json={})
        assert answer.status_code == 401


async def test_a_registry_that_is_away_is_said_to_be(
    operator: httpx.AsyncClient, devices: FakeDeviceRegistry
) -> None:
    devices.fail_next(RetryableError("away at 10.0.0.1"))
    answer = await operator.get("/api/device/village-1/list")
    assert (answer.status_code, detail_of(answer)) == (503, "The device registry is away.")


def event(
    change: LinkChange, *, grid_id: str = DEFAULT_GRID_ID, device_id: str = "meter-1", second: int = 0
) -> LinkEvent:
    return LinkEvent(
        grid_id=grid_id,
        device_id=device_id,
        change=change,
        at=SAMPLE_TIME + timedelta(seconds=second),
        connected=change is not LinkChange.DISCONNECTED,
        stale=change is LinkChange.STALE,
        last_seen=SAMPLE_TIME,
    )


async def append(log: FakeDurableLog, *events: LinkEvent) -> None:
    await log.append(
        [
            Record(readings_stream_of(each.grid_id, 4), LINK_KIND, each.model_dump_json().encode())
            for each in events
        ]
    )


@pytest.mark.usefixtures("feed")
async def test_the_live_connection_tells_who_comes_and_goes(app: FastAPI, log: FakeDurableLog) -> None:
    async with asgi_websocket(app, "/api/live", query="token=prototype_token") as socket:
        assert (await socket.receive())["type"] == "snapshot"
        await append(log, event(LinkChange.STALE, grid_id="village-9"), event(LinkChange.DISCONNECTED))
        assert await socket.receive() == {
            "type": "device",
            "device_id": "meter-1",
            "change": "disconnected",
            "at": "2026-11-23T10:00:00.000Z",
            "connected": False,
            "stale": False,
            "last_seen": "2026-11-23T10:00:00.000Z",
        }
        await append(log, event(LinkChange.CONNECTED, second=5))
        assert (await socket.receive())["change"] == "connected"


async def test_a_change_that_cannot_be_read_stops_nothing(feed: LiveFeed, log: FakeDurableLog) -> None:
    stream = readings_stream_of(DEFAULT_GRID_ID, 4)
    await log.append([Record(stream, LINK_KIND, b"{}")])
    await append(log, event(LinkChange.STALE))
    await feed.wait_for_change()
    while feed.links.seen < 1:
        await feed.wait_for_change()
    assert [each.change for each in feed.links.after(0, DEFAULT_GRID_ID)] == [LinkChange.STALE]


def test_a_slow_client_gets_the_last_change_of_each_device_in_their_order() -> None:
    links = LiveLinks()
    links.apply(event(LinkChange.CONNECTED, device_id="a"))
    seen = links.seen
    links.apply(event(LinkChange.CONNECTED, device_id="b"))
    links.apply(event(LinkChange.STALE, device_id="a"))
    links.apply(event(LinkChange.FRESH, device_id="a"))
    links.apply(event(LinkChange.STALE, device_id="b"))
    assert [(each.device_id, each.change) for each in links.after(seen, DEFAULT_GRID_ID)] == [
        ("a", "fresh"),
        ("b", "stale"),
    ]
    assert links.after(links.seen, DEFAULT_GRID_ID) == []


def test_the_memory_of_changes_is_bounded() -> None:
    links = LiveLinks(devices_kept=2)
    for device_id in ("a", "b", "c"):
        links.apply(event(LinkChange.STALE, device_id=device_id))
    assert [each.device_id for each in links.after(0, DEFAULT_GRID_ID)] == ["b", "c"]
