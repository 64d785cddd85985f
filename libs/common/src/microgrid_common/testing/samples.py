"""Readings and alerts for tests, with everything filled in that a test does not care about."""

from datetime import UTC, datetime

from microgrid_common.ports.alert_store import AlertToRaise
from microgrid_common.ports.durable_log import DurableLog, Record
from microgrid_common.schemas.alert import AlertSource, Severity
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


def sample_alert(
    at: datetime = SAMPLE_TIME,
    *,
    grid_id: str = DEFAULT_GRID_ID,
    device_id: str = DEFAULT_DEVICE_ID,
    rule_id: str = "load-abnormality",
    severity: Severity = Severity.WARNING,
    message: str = "Load Abnormality: Unusual load increase detected.",
) -> AlertToRaise:
    """An alert to raise."""
    return AlertToRaise(
        grid_id=grid_id,
        device_id=device_id,
        rule_id=rule_id,
        severity=severity,
        message=message,
        source=AlertSource.RULE,
        raised_at=at,
        effective_at=at,
    )


async def append_readings(log: DurableLog, *readings: Reading, shards: int = 4) -> None:
    """Append readings as the ingestor does, each as an entry of its own."""
    await log.append(
        [
            Record(readings_stream_of(reading.grid_id, shards), READINGS_KIND, encode_readings([reading]))
            for reading in readings
        ]
    )
