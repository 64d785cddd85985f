"""The active alerts as the prototype's screens show them: those of the grid and about the platform."""

from dataclasses import dataclass
from typing import Final

from microgrid_common.ports.alert_records import LARGEST_PAGE, AlertQuery, AlertRecords
from microgrid_common.schemas.alert import Alert
from microgrid_common.schemas.identifiers import PLATFORM_GRID_ID

ALERTS_SHOWN: Final = LARGEST_PAGE


@dataclass(frozen=True, slots=True)
class ActiveAlerts:
    """The annunciated alerts of a grid, and those about the platform."""

    shown: list[Alert]
    """The newest `ALERTS_SHOWN`, the newest first."""
    total: int
    """How many there are, also of those that are not shown."""


async def find_active_alerts(records: AlertRecords, grid_id: str) -> ActiveAlerts:
    """The active alerts; it takes no longer when there are many.

    Raises:
        RetryableError: the alert store is away.
    """
    found: list[Alert] = []
    total = 0
    for each in dict.fromkeys((grid_id, PLATFORM_GRID_ID)):
        page = await records.find(AlertQuery(grid_id=each, annunciated=True, limit=ALERTS_SHOWN))
        found += page.alerts
        counted = sum((await records.count_active(each)).values()) if page.cursor else 0
        # Meanwhile some may have ended.
        total += max(counted, len(page.alerts))
    found.sort(key=lambda alert: (alert.raised_at, alert.number), reverse=True)
    return ActiveAlerts(found[:ALERTS_SHOWN], total)
