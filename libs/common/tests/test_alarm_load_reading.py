"""The alarm load of a grid from a store of alerts, read page by page."""

from datetime import timedelta
from typing import Any

import pytest

from microgrid_common.ports.alert_records import LARGEST_PAGE, AlertPage, AlertQuery
from microgrid_common.runtime.alarm_load import read_alarm_load
from microgrid_common.schemas.alert import Alert
from microgrid_common.testing.fakes.alert_records import FakeAlertRecords
from microgrid_common.testing.samples import SAMPLE_TIME, put_alerts, sample_record

NOW = SAMPLE_TIME
HOUR = timedelta(hours=1)


class CountedPages(FakeAlertRecords):
    """Remembers how large its pages were."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: list[int] = []

    async def find(self, query: AlertQuery) -> AlertPage:
        page = await super().find(query)
        self.pages.append(len(page.alerts))
        return page


@pytest.fixture
def records() -> CountedPages:
    return CountedPages()


def alert(number: int, hours_ago: float, *, lasted_hours: float | None = None, **more: Any) -> Alert:
    raised_at = NOW - hours_ago * HOUR
    cleared_at = None if lasted_hours is None else raised_at + lasted_hours * HOUR
    return sample_record(
        raised_at, **{"number": number, "grid_id": "village-1", "cleared_at": cleared_at, **more}
    )


async def test_all_pages_of_the_time_are_counted_and_nothing_else(records: CountedPages) -> None:
    many = [alert(number, number / 100, lasted_hours=0) for number in range(1, 2 * LARGEST_PAGE + 2)]
    others = [alert(9_999, 1, grid_id="village-2"), alert(9_998, 12, lasted_hours=0)]
    await put_alerts(records.states, *many, *others)
    load = await read_alarm_load(records, "village-1", start=NOW - 11 * HOUR, end=NOW, now=NOW)
    assert load.alarms == 2 * LARGEST_PAGE + 1
    assert records.pages == [LARGEST_PAGE, LARGEST_PAGE, 1, 0]


async def test_what_stands_now_counts_however_old_it_is(records: CountedPages) -> None:
    await put_alerts(records.states, alert(1, 9_000), alert(2, 2), alert(3, 30, lasted_hours=1))
    load = await read_alarm_load(records, "village-1", start=NOW - HOUR, end=NOW, now=NOW)
    assert (load.alarms, load.standing_alarms, load.stale_alarms) == (0, 2, 1)


async def test_what_stood_at_the_end_of_a_past_time_counts_though_it_has_ended_since(
    records: CountedPages,
) -> None:
    await put_alerts(
        records.states, alert(1, 9_000), alert(2, 60, lasted_hours=20), alert(3, 60, lasted_hours=5)
    )
    load = await read_alarm_load(records, "village-1", start=NOW - 55 * HOUR, end=NOW - 50 * HOUR, now=NOW)
    assert (load.alarms, load.standing_alarms, load.stale_alarms) == (0, 2, 1)
