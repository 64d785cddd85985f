"""A backtest says the same whatever the readings are stored in."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from microgrid_common.adapters.influx.telemetry_store import InfluxTelemetryStore
from microgrid_common.adapters.sqlite.telemetry_store import SqliteTelemetryStore
from microgrid_common.ports.telemetry_store import TelemetryStore
from microgrid_common.runtime.alarm_backtest import run_backtest
from microgrid_common.schemas.alarm_backtest import BacktestReport
from microgrid_common.schemas.alarm_rule import AlarmRuleDraft, Comparison, MetricComparisonCondition
from microgrid_common.schemas.alert import Severity
from microgrid_common.schemas.device import Device
from microgrid_common.schemas.reading import Reading
from microgrid_common.testing.fakes.telemetry_store import FakeTelemetryStore
from microgrid_common.testing.samples import sample_reading
from microgrid_common.testing.servers import InfluxBucket

# Within what a store with a retention still takes.
START = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=3)
END = START + timedelta(days=2)
DEVICES = [Device(grid_id="village-1", device_id=device_id) for device_id in ("feeder-1", "feeder-2")]
RULE = AlarmRuleDraft(
    rule_id="overload",
    name="Overload",
    condition=MetricComparisonCondition(
        metric="consumption_kw", comparison=Comparison.ABOVE, other_metric="generation_kw", factor=1.1
    ),
    severity=Severity.WARNING,
    message="{consumption_kw:.10g} kW on {device_id}",
    on_delay_seconds=90,
)


def readings() -> list[Reading]:
    """Two days of two devices: every minute or so, with values of all digits, some metrics missing."""
    chance = random.Random(4)
    found = []
    for device in DEVICES:
        at = START
        while at < END:
            metrics = {"consumption_kw": chance.uniform(0, 20), "generation_kw": chance.uniform(5, 20)}
            if chance.random() < 0.1:
                del metrics["generation_kw"]
            reading = sample_reading(at, grid_id="village-1", device_id=device.device_id)
            found.append(replace(reading, metrics=metrics))
            at += timedelta(milliseconds=chance.randrange(20_000, 120_000))
            at += timedelta(hours=1) if chance.random() < 0.002 else timedelta()
    return found


async def report_on(store: TelemetryStore) -> BacktestReport:
    await store.write(readings())
    return await run_backtest(
        store, RULE, DEVICES, grid_id="village-1", start=START, end=END, within=timedelta(seconds=60)
    )


@asynccontextmanager
async def influx_store(bucket: InfluxBucket) -> AsyncIterator[TelemetryStore]:
    async with InfluxTelemetryStore(
        url=bucket.url, token=bucket.token, org=bucket.org, bucket=bucket.bucket
    ) as store:
        yield store


async def test_the_report_on_sqlite_is_that_on_memory(tmp_path: Path) -> None:
    expected = await report_on(FakeTelemetryStore())
    async with SqliteTelemetryStore(tmp_path / "telemetry.sqlite3") as store:
        assert await report_on(store) == expected
    assert expected.alarms > 10
    assert expected.gaps


@pytest.mark.integration
async def test_the_report_on_influxdb_is_that_on_memory(influx_bucket: InfluxBucket) -> None:
    async with influx_store(influx_bucket) as store:
        assert await report_on(store) == await report_on(FakeTelemetryStore())
