"""The alarm load of a grid from a store of alerts, read page by page."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast

from microgrid_common.ports.alert_records import LARGEST_PAGE, AlertPage, AlertQuery, AlertRecords
from microgrid_common.runtime.alarm_load import read_alarm_load
from microgrid_common.schemas.alert import Alert, AlertSource, AlertStatus, Severity
from microgrid_common.testing.samples import SAMPLE_TIME

NOW = SAMPLE_TIME
HOUR = timedelta(hours=1)


class ListedAlerts:
    """Finds alerts in a list, and remembers how large its pages were."""

    def __init__(self, alerts: Sequence[Alert]) -> None:
        self._alerts = sorted(alerts, key=lambda alert: (alert.raised_at, alert.number), reverse=True)
        self.pages: list[int] = []

    async def find(self, query: AlertQuery) -> AlertPage:
        found = [
            alert
            for alert in self._alerts
            if alert.grid_id == query.grid_id
            and query.status in (None, alert.status)
            and (query.start is None or alert.raised_at >= query.start)
            and (query.end is None or alert.raised_at < query.end)
        ]
        begin = int(query.cursor or 0)
        end = begin + query.limit
        self.pages.append(len(found[begin:end]))
        return AlertPage(found[begin:end], str(end) if end < len(found) else None)


def alert(number: int, hours_ago: float, *, lasted_hours: float | None = None, **more: Any) -> Alert:
    raised_at = NOW - hours_ago * HOUR
    fields: dict[str, Any] = {
        "grid_id": "village-1",
        "cleared_at": None if lasted_hours is None else raised_at + lasted_hours * HOUR,
        **more,
    }
    return Alert(
        id=f"alert-{number}",
        device_id="meter",
        rule_id="load",
        severity=Severity.INFO,
        message="Load",
        status=AlertStatus.ACTIVE if lasted_hours is None else AlertStatus.RESOLVED,
        source=AlertSource.RULE,
        raised_at=raised_at,
        **fields,
    )


def records(*alerts: Alert) -> AlertRecords:
    return cast("AlertRecords", ListedAlerts(alerts))


async def test_all_pages_of_the_time_are_counted_and_nothing_else() -> None:
    many = [alert(number, number / 100, lasted_hours=0) for number in range(1, 2 * LARGEST_PAGE + 2)]
    store = ListedAlerts([*many, alert(9_999, 1, grid_id="village-2"), alert(9_998, 12, lasted_hours=0)])
    load = await read_alarm_load(
        cast("AlertRecords", store), "village-1", start=NOW - 11 * HOUR, end=NOW, now=NOW
    )
    assert load.alarms == 2 * LARGEST_PAGE + 1
    assert max(store.pages) == LARGEST_PAGE


async def test_what_stands_now_counts_however_old_it_is() -> None:
    store = records(alert(1, 9_000), alert(2, 2), alert(3, 30, lasted_hours=1))
    load = await read_alarm_load(store, "village-1", start=NOW - HOUR, end=NOW, now=NOW)
    assert (load.alarms, load.standing_alarms, load.stale_alarms) == (0, 2, 1)


async def test_what_stood_at_the_end_of_a_past_time_counts_though_it_has_ended_since() -> None:
    store = records(alert(1, 9_000), alert(2, 60, lasted_hours=20), alert(3, 60, lasted_hours=5))
    load = await read_alarm_load(store, "village-1", start=NOW - 55 * HOUR, end=NOW - 50 * HOUR, now=NOW)
    assert (load.alarms, load.standing_alarms, load.stale_alarms) == (0, 2, 1)
