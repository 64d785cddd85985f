from pathlib import Path

import pytest
from pydantic import SecretStr

from microgrid_common.adapters.telemetry_stores import open_telemetry_store
from microgrid_common.ports.errors import RetryableError
from microgrid_common.runtime.settings import TelemetryStoreSettings
from microgrid_common.testing.contracts.telemetry_samples import at, reading
from microgrid_common.testing.servers import InfluxBucket


async def test_sqlite_keeps_its_file_in_the_data_folder(tmp_path: Path) -> None:
    settings = TelemetryStoreSettings(telemetry_store="sqlite", data_dir=tmp_path / "data")
    for _ in range(2):
        async with open_telemetry_store(settings) as store:
            await store.write([reading(1)])
            assert set(await store.latest("village", since=at(0))) == {"consumption_kw"}
    assert [file.name for file in (tmp_path / "data").iterdir()] == ["telemetry.sqlite3"]


async def test_influx_need_not_be_there_yet() -> None:
    settings = TelemetryStoreSettings(telemetry_store="influx", influx_url="http://127.0.0.1:1")
    async with open_telemetry_store(settings) as store:
        with pytest.raises(RetryableError):
            await store.ping()


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
