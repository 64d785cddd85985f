"""Readings and alerts for tests, with everything filled in that a test does not care about."""

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from microgrid_common.ports.alarm_states import AlarmStates, GridCommit
from microgrid_common.ports.durable_log import DurableLog, Record
from microgrid_common.schemas.alert import (
    Alert,
    AlertEvent,
    AlertSource,
    AlertStatus,
    AlertTransition,
    Severity,
    alert_id,
)
from microgrid_common.schemas.identifiers import DEFAULT_DEVICE_ID, DEFAULT_GRID_ID
from microgrid_common.schemas.reading import Flag, Reading, encode_readings
from microgrid_common.schemas.streams import READINGS_KIND, readings_stream_of

SAMPLE_TIME = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def sample_reading(
    at: datetime = SAMPLE_TIME,
    *,
    received_at: datetime | None = None,
    grid_id: str = DEFAULT_GRID_ID,
    device_id: str = DEFAULT_DEVICE_ID,
    flags: tuple[Flag, ...] = (),
    **metrics: float,
) -> Reading:
    """A reading that was measured, and by default also received, at a time."""
    return Reading(
        grid_id=grid_id,
        device_id=device_id,
        timestamp=at,
        received_at=received_at or at,
        metrics=metrics or {"consumption_kw": 10.5},
        flags=flags,
    )


def sample_record(
    at: datetime = SAMPLE_TIME,
    *,
    number: int = 1,
    grid_id: str = DEFAULT_GRID_ID,
    device_id: str = DEFAULT_DEVICE_ID,
    rule_id: str = "load-abnormality",
    severity: Severity = Severity.WARNING,
    message: str = "Load Abnormality: Unusual load increase detected.",
    cleared_at: datetime | None = None,
    **others: Any,
) -> Alert:
    """The record of an alert: one that lasts, unless it was cleared at a time.

    Args:
        at: when it was raised.
        number: its number in its grid, which makes its id.
        grid_id: where.
        device_id: where.
        rule_id: of what rule.
        severity: how urgent it is.
        message: what it says.
        cleared_at: None while it lasts.
        others: any other fields of it.
    """
    return Alert(
        id=alert_id(grid_id, number),
        grid_id=grid_id,
        device_id=device_id,
        rule_id=rule_id,
        severity=severity,
        message=message,
        status=AlertStatus.ACTIVE if cleared_at is None else AlertStatus.RESOLVED,
        source=AlertSource.RULE,
        raised_at=at,
        cleared_at=cleared_at,
        **others,
    )


async def put_alerts(states: AlarmStates, *alerts: Alert, tell: bool = True) -> None:
    """Write records as they are given, also over those that are there.

    Args:
        states: where to.
        alerts: of any grids.
        tell: whether each one that lasts is told as raised, and each other one as cleared.
    """
    by_grid: dict[str, list[Alert]] = defaultdict(list)
    for alert in alerts:
        by_grid[alert.grid_id].append(alert)
    documents = await states.load(dict.fromkeys(by_grid, ()))
    commits = []
    for grid_id, of_grid in by_grid.items():
        grid = documents[grid_id].grid
        grid.last_number = max(grid.last_number, *(alert.number for alert in of_grid))
        events = [_told(alert) for alert in of_grid] if tell else []
        commits.append(GridCommit(grid_id, grid=grid, devices={}, timers={}, alerts=of_grid, events=events))
    assert all(await states.commit(commits))


def _told(alert: Alert) -> AlertEvent:
    if alert.cleared_at is None:
        return AlertEvent(transition=AlertTransition.RAISED, at=alert.raised_at, alert=alert)
    return AlertEvent(transition=AlertTransition.CLEARED, at=alert.cleared_at, alert=alert)


async def append_readings(log: DurableLog, *readings: Reading, shards: int = 4) -> None:
    """Append readings as the ingestor does, each as an entry of its own."""
    await log.append(
        [
            Record(readings_stream_of(reading.grid_id, shards), READINGS_KIND, encode_readings([reading]))
            for reading in readings
        ]
    )
