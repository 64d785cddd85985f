"""Grids over HTTP: listed, shown, described; each caller sees only their own."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from microgrid_api.app import create_app
from microgrid_api.identity.prototype import PrototypeIdentity
from microgrid_api.live.feed import LiveFeed
from microgrid_api.ports import ApiPorts
from microgrid_common.ports.errors import RetryableError
from microgrid_common.ports.identity import Caller
from microgrid_common.ports.link_store import LinkWrite
from microgrid_common.schemas.device import Device
from microgrid_common.schemas.device_link import DeviceLink
from microgrid_common.schemas.grid import Grid
from microgrid_common.schemas.user import Role
from microgrid_common.testing.contracts.grid_store import SAMPLE_GRID
from microgrid_common.testing.fakes.device_registry import FakeDeviceRegistry
from microgrid_common.testing.fakes.grid_store import FakeGridStore
from microgrid_common.testing.fakes.link_store import FakeLinkStore
from microgrid_common.testing.samples import SAMPLE_TIME

FACTS: dict[str, Any] = SAMPLE_GRID.model_dump(exclude={"grid_id", "version"})
PATH = "/api/grids/village-1"


class _OneVillager(PrototypeIdentity):
    """Whoever calls sees village-1 alone."""

    async def caller(self, token: str) -> Caller:
        prototype = await super().caller(token)
        return replace(prototype, grants={"village-1": Role.TECHNICIAN})


@pytest.fixture
async def villager(
    ports: ApiPorts, idle_feed: LiveFeed, operator: httpx.AsyncClient
) -> AsyncIterator[httpx.AsyncClient]:
    """A technician of village-1."""
    transport = httpx.ASGITransport(app=create_app(replace(ports, identity=_OneVillager()), feed=idle_feed))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://127.0.0.1", headers=operator.headers
    ) as client:
        yield client


async def test_a_grid_that_nobody_described_can_be_asked_for(operator: httpx.AsyncClient) -> None:
    answer = await operator.get(PATH)
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"0"')
    assert answer.json() == {
        **dict.fromkeys(FACTS),
        "grid_id": "village-1",
        "name": "village-1",
        "time_zone": "UTC",
        "version": 0,
    }


async def test_a_grid_is_described_and_described_again(operator: httpx.AsyncClient) -> None:
    first = await operator.put(PATH, json=FACTS, headers={"If-Match": '"0"'})
    assert (first.status_code, first.headers["ETag"]) == (200, '"1"')
    assert first.json() == {**FACTS, "grid_id": "village-1", "version": 1}
    assert (await operator.get(PATH)).json() == first.json()
    second = await operator.put(PATH, json={"name": "Kisumu", "version": 1})
    assert second.json() == {
        **dict.fromkeys(FACTS),
        "grid_id": "village-1",
        "name": "Kisumu",
        "time_zone": "UTC",
        "version": 2,
    }


async def test_of_two_who_describe_it_the_second_looks_again(operator: httpx.AsyncClient) -> None:
    await operator.put(PATH, json={**FACTS, "version": 0})
    late = await operator.put(PATH, json={**FACTS, "name": "Late", "version": 0})
    assert late.status_code == 409
    assert "look at it again" in late.text
    assert (await operator.get(PATH)).json()["name"] == SAMPLE_GRID.name


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"name": ""}, "name"),
        (
            {"tariff": {"currency": "KES", "import_price_per_kwh": -1, "export_price_per_kwh": 0}},
            "import_price_per_kwh",
        ),
        ({"battery_capacity_kwh": 0}, "battery_capacity_kwh"),
        ({"grid_id": "other"}, "grid_id"),
        ({"version": None}, "version"),
        ({"version": -1}, "version"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_field(
    operator: httpx.AsyncClient, grids: FakeGridStore, change: dict[str, Any], where: str
) -> None:
    answer = await operator.put(PATH, json={**FACTS, "version": 0, **change})
    assert answer.status_code == 422
    assert f'{where}"' in answer.text
    assert grids.grids == {}


async def test_the_list_has_grids_that_are_described_or_have_devices_or_were_heard(
    operator: httpx.AsyncClient, grids: FakeGridStore, devices: FakeDeviceRegistry, links: FakeLinkStore
) -> None:
    assert (await operator.get("/api/grids")).json() == []
    await grids.put(SAMPLE_GRID)
    await devices.put([Device(grid_id=grid_id, device_id="meter") for grid_id in ("village-1", "a")])
    link = DeviceLink(grid_id="heard", device_id="meter", connected=True, since=SAMPLE_TIME)
    await links.apply([LinkWrite(("heard", "meter"), 0, link, None)])
    listed = (await operator.get("/api/grids")).json()
    assert [(grid["grid_id"], grid["name"], grid["version"]) for grid in listed] == [
        ("a", "a", 0),
        ("heard", "heard", 0),
        ("village-1", SAMPLE_GRID.name, 1),
    ]


async def test_other_peoples_grids_are_not_there(villager: httpx.AsyncClient, grids: FakeGridStore) -> None:
    for grid_id in ("village-1", "village-2"):
        await grids.put(Grid(grid_id=grid_id, name="A village"))
    assert [grid["grid_id"] for grid in (await villager.get("/api/grids")).json()] == ["village-1"]
    assert (await villager.get(PATH)).status_code == 200
    foreign = "/api/grids/village-2"
    for answer in (
        await villager.get(foreign),
        await villager.put(foreign, json={**FACTS, "version": 1}),
        await villager.get("/api/grids/nowhere"),
    ):
        assert answer.status_code == 404
    assert (await villager.put(PATH, json={**FACTS, "version": 1})).status_code == 403


async def test_without_a_token_nothing_is_told(stranger: httpx.AsyncClient) -> None:
    for path in ("/api/grids", PATH):
        assert (await stranger.get(path)).status_code == 401
    assert (await stranger.put(PATH, json=FACTS)).status_code == 401


async def test_a_store_that_is_away_is_said(operator: httpx.AsyncClient, grids: FakeGridStore) -> None:
    grids.fail_next(RetryableError("redis://secret"), times=2)
    for path in ("/api/grids", PATH):
        answer = await operator.get(path)
        assert answer.status_code == 503
        assert "The store of the grids is away." in answer.text
