"""The devices of each grid, as Prometheus sees them; by virtual time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY

from microgrid_common.ports.errors import RetryableError
from microgrid_common.runtime.grid_labels import OTHER_GRIDS, GridLabels
from microgrid_common.schemas.device_link import DeviceLink
from microgrid_common.testing.fakes.link_store import FakeLinkStore
from microgrid_ingestor.fleet_metrics import sample_fleet

pytestmark = pytest.mark.usefixtures("virtual_time")

SINCE = datetime(2026, 11, 23, 10, tzinfo=UTC)


def have(links: FakeLinkStore, grid_id: str, device_id: str, *, connected: bool, stale: bool = False) -> None:
    links.links[grid_id, device_id] = DeviceLink(
        grid_id=grid_id, device_id=device_id, connected=connected, since=SINCE, stale=stale
    )


def shown(grid_id: str) -> list[float | None]:
    """All, connected, stale."""
    return [
        REGISTRY.get_sample_value(name, {"grid_id": grid_id})
        for name in ("microgrid_devices", "microgrid_devices_connected", "microgrid_devices_stale")
    ]


@asynccontextmanager
async def sampling(links: FakeLinkStore, *, most: int = 10) -> AsyncIterator[None]:
    task = asyncio.create_task(sample_fleet(links, GridLabels(most=most)))
    await asyncio.sleep(1)
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_devices_are_counted_by_grid() -> None:
    links = FakeLinkStore()
    have(links, "village-1", "meter-1", connected=True)
    have(links, "village-1", "meter-2", connected=True, stale=True)
    have(links, "village-1", "meter-3", connected=False)
    have(links, "village-2", "meter-1", connected=True)
    async with sampling(links):
        assert shown("village-1") == [3, 2, 1]
        assert shown("village-2") == [1, 1, 0]


async def test_what_changes_is_seen_after_half_a_minute_and_a_forgotten_grid_is_gone() -> None:
    links = FakeLinkStore()
    have(links, "village-1", "meter-1", connected=True)
    have(links, "village-2", "meter-1", connected=True)
    async with sampling(links):
        have(links, "village-1", "meter-1", connected=True, stale=True)
        del links.links["village-2", "meter-1"]
        await asyncio.sleep(30)
        assert shown("village-1") == [1, 1, 1]
        assert shown("village-2") == [None, None, None]


async def test_while_the_store_is_away_the_last_figures_stay() -> None:
    links = FakeLinkStore()
    have(links, "village-1", "meter-1", connected=True)
    async with sampling(links):
        have(links, "village-1", "meter-2", connected=True)
        links.fail_next(RetryableError("away", retry_after=timedelta(seconds=10)))
        await asyncio.sleep(35)
        assert shown("village-1") == [1, 1, 0]
        await asyncio.sleep(60)
        assert shown("village-1") == [2, 2, 0]


async def test_made_up_grids_share_one_series() -> None:
    links = FakeLinkStore()
    for number in range(5):
        have(links, f"made-up-{number}", "meter-1", connected=True)
    async with sampling(links, most=2):
        assert shown("made-up-1") == [1, 1, 0]
        assert shown("made-up-2") == [None, None, None]
        assert shown(OTHER_GRIDS) == [3, 3, 0]
