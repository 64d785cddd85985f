from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest
from msgspec.structs import replace
from pydantic import SecretStr

from microgrid_common.adapters.telemetry_stores import open_rollup_store, open_telemetry_store
from microgrid_common.ports.errors import PartialWriteError, RetryableError
from microgrid_common.ports.retention import LATE_DATA_ACCEPTED
from microgrid_common.runtime.settings import TelemetryStoreSettings
from microgrid_common.testing.contracts.rollup_store import hour, hours, series
from microgrid_common.testing.contracts.telemetry_samples import at, reading
from microgrid_common.testing.servers import InfluxBucket


async def test_sqlite_keeps_its_file_in_the_data_folder(tmp_path: Path) -> None:
    settings = TelemetryStoreSettings(telemetry_store="sqlite", data_dir=tmp_path / "data")
    now = datetime.now(UTC)
    for _ in range(2):
        async with open_telemetry_store(settings) as store:
            await store.write([replace(reading(1), timestamp=now)])
            assert set(await store.latest("village", since=now - timedelta(hours=1))) == {"consumption_kw"}
        async with open_rollup_store(settings) as rollups:
            await rollups.write_hours([(series(), hour(0))])
            assert await hours(rollups) == {"meter": [hour(0)]}
    files = {file.name for file in (tmp_path / "data").iterdir()}
    assert files == {"telemetry.sqlite3", "rollups.sqlite3"}


async def test_sqlite_takes_what_is_thirty_days_late_and_nothing_later(tmp_path: Path) -> None:
    settings = TelemetryStoreSettings(telemetry_store="sqlite", data_dir=tmp_path)
    now = datetime.now(UTC).replace(microsecond=0)
    late, in_time = (
        replace(reading(1), timestamp=now - LATE_DATA_ACCEPTED + timedelta(minutes=minutes))
        for minutes in (-1, 1)
    )
    async with open_telemetry_store(settings) as store:
        with pytest.raises(PartialWriteError, match="older than 30 days") as caught:
            await store.write([late, in_time])
        assert caught.value.rejected == (late,)
        everything = await store.history("village", "consumption_kw", start=late.timestamp, end=now)
        assert [point.time for point in everything] == [in_time.timestamp]


@pytest.mark.parametrize("kind", ["sqlite", "influx"])
async def test_nothing_is_connected_before_the_first_use(
    tmp_path: Path, kind: Literal["sqlite", "influx"]
) -> None:
    settings = TelemetryStoreSettings(telemetry_store=kind, data_dir=tmp_path / "data")
    async with open_telemetry_store(settings), open_rollup_store(settings):
        assert not settings.data_dir.exists()


async def test_influx_need_not_be_there_yet() -> None:
    settings = TelemetryStoreSettings(telemetry_store="influx", influx_url="http://127.0.0.1:1")
    async with open_telemetry_store(settings) as store, open_rollup_store(settings) as rollups:
        for ping in (store.ping, rollups.ping):
            with pytest.raises(RetryableError):
                await ping()


@pytest.mark.integration
async def test_influx_is_reached_by_the_settings(influx_bucket: InfluxBucket) -> None:
    settings = TelemetryStoreSettings(
        telemetry_store="influx",
        influx_url=influx_bucket.url,
        influx_token=SecretStr(influx_bucket.token),
        influx_org=influx_bucket.org,
        influx_bucket=influx_bucket.bucket,
    )
    async with open_telemetry_store(settings) as store:
        await store.ping()
        await store.write([reading(1)])
        assert set(await store.latest("village", since=at(0))) == {"consumption_kw"}
