"""What Prometheus is told about the devices of each grid: how many, connected, silent."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Final

from microgrid_common.ports.link_store import LinkStore
from microgrid_common.runtime import metrics
from microgrid_common.runtime.backoff import until_it_works
from microgrid_common.runtime.grid_labels import GridLabels

_INTERVAL: Final = timedelta(seconds=30)
"""All links are read each time: 10,000 of them take a tenth of a second."""


async def sample_fleet(links: LinkStore, labels: GridLabels) -> None:
    """Count devices until cancelled; while the store is away the last figures stay.

    Every replica counts the same devices, so take the maximum over replicas, not the sum.

    Args:
        links: which devices there are, and how they stand.
        labels: which grids are shown by name.
    """
    while True:
        await until_it_works(lambda: _show_devices(links, labels), dependency="redis")
        await asyncio.sleep(_INTERVAL.total_seconds())


async def _show_devices(links: LinkStore, labels: GridLabels) -> None:
    known: Counter[str] = Counter()
    connected: Counter[str] = Counter()
    stale: Counter[str] = Counter()
    for grid_id in await links.grids():
        label = labels.of(grid_id)
        for link in await links.of_grid(grid_id):
            known[label] += 1
            connected[label] += link.connected
            stale[label] += link.stale
    # A grid whose last device was forgotten must not go on being shown.
    for gauge, counts in (
        (metrics.DEVICES, known),
        (metrics.DEVICES_CONNECTED, connected),
        (metrics.DEVICES_STALE, stale),
    ):
        gauge.clear()
        for label, count in counts.items():
            gauge.labels(grid_id=label).set(count)
