"""Alarms by grid and severity, as Prometheus sees them; by virtual time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from microgrid_alert_engine import alarm_metrics
from microgrid_alert_engine.alarm_metrics import count_event, sample_alarms
from microgrid_common.ports.errors import RetryableError
from microgrid_common.runtime.grid_labels import OTHER_GRIDS, GridLabels
from microgrid_common.schemas.alert import Alert, AlertEvent, AlertTransition, Severity, Shelving
from microgrid_common.testing.fakes.alarm_states import FakeAlarmStates
from microgrid_common.testing.fakes.alert_records import FakeAlertRecords
from microgrid_common.testing.samples import SAMPLE_TIME, put_alerts, sample_record

pytestmark = pytest.mark.usefixtures("virtual_time")

SHELVED = Shelving(at=SAMPLE_TIME, by="amina", until=SAMPLE_TIME + timedelta(hours=1), reason="known")


@pytest.fixture(autouse=True)
def two_grids(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many have labels of their own, whatever other tests have counted."""
    monkeypatch.setattr(alarm_metrics, "_LABELS", GridLabels(most=2))


def raised(grid_id: str, severity: str = "warning") -> float:
    labels = {"grid_id": grid_id, "severity": severity}
    return REGISTRY.get_sample_value("microgrid_alarms_raised_total", labels) or 0


def active(grid_id: str, severity: str = "warning") -> float | None:
    return REGISTRY.get_sample_value("microgrid_alarms_active", {"grid_id": grid_id, "severity": severity})


def happens(alert: Alert, transition: AlertTransition = AlertTransition.RAISED) -> None:
    count_event(AlertEvent(transition=transition, at=SAMPLE_TIME, alert=alert))


@asynccontextmanager
async def sampling(records: FakeAlertRecords) -> AsyncIterator[None]:
    task = asyncio.create_task(sample_alarms(records))
    await asyncio.sleep(1)
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def test_an_alarm_that_is_raised_counts_for_its_grid_and_severity() -> None:
    before = raised("village-1"), raised("village-1", "critical")
    happens(sample_record(grid_id="village-1"))
    happens(sample_record(grid_id="village-1", severity=Severity.CRITICAL))
    assert raised("village-1") == before[0] + 1
    assert raised("village-1", "critical") == before[1] + 1


def test_what_else_happens_to_it_is_no_load_and_neither_is_one_that_nobody_is_shown() -> None:
    before = raised("village-1")
    happens(sample_record(grid_id="village-1"), AlertTransition.CLEARED)
    happens(sample_record(grid_id="village-1", shelved=SHELVED))
    assert raised("village-1") == before


def test_made_up_grids_share_one_series() -> None:
    before = raised(OTHER_GRIDS)
    for number in range(5):
        happens(sample_record(grid_id=f"invented-{number}"))
    assert raised(OTHER_GRIDS) == before + 3
    assert raised("invented-4") == 0


async def test_alarms_that_last_are_counted_until_they_are_over() -> None:
    records = FakeAlertRecords(FakeAlarmStates())
    lasting = sample_record(number=1, grid_id="village-1")
    await put_alerts(
        records.states,
        lasting,
        sample_record(number=2, grid_id="village-1", rule_id="other"),
        sample_record(number=3, grid_id="village-1", rule_id="shelved", shelved=SHELVED),
    )
    async with sampling(records):
        assert active("village-1") == 2
        assert active("village-1", "critical") == 0
        over = [
            sample_record(number=1, grid_id="village-1", cleared_at=SAMPLE_TIME),
            sample_record(number=2, grid_id="village-1", rule_id="other", cleared_at=SAMPLE_TIME),
        ]
        await put_alerts(records.states, *over)
        await asyncio.sleep(30)
        assert active("village-1") == 0


async def test_while_the_store_is_away_the_last_figures_stay() -> None:
    records = FakeAlertRecords(FakeAlarmStates())
    await put_alerts(records.states, sample_record(number=1, grid_id="village-1"))
    async with sampling(records):
        await put_alerts(records.states, sample_record(number=1, grid_id="village-1", cleared_at=SAMPLE_TIME))
        records.fail_next(RetryableError("away", retry_after=timedelta(seconds=10)))
        await asyncio.sleep(35)
        assert active("village-1") == 1
        await asyncio.sleep(60)
        assert active("village-1") == 0
