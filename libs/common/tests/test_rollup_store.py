"""Every store of roll-ups keeps the same contract; what each has for itself stands below."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from microgrid_common.adapters.influx.rollup_store import InfluxRollupStore, set_up_buckets
from microgrid_common.adapters.influx.server import InfluxServer
from microgrid_common.adapters.sqlite.rollup_store import SqliteRollupStore
from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.ports.retention import RAW_KEPT, ROLLUPS_KEPT
from microgrid_common.ports.rollup_store import RollupStore
from microgrid_common.testing.contracts.rollup_store import (
    CONTRACT_MAXIMUM_ROLLUPS,
    T0,
    RollupStoreContract,
    hour,
    hours,
    series,
    summaries,
    summary,
)
from microgrid_common.testing.fakes.rollup_store import FakeRollupStore
from microgrid_common.testing.servers import InfluxDB
from microgrid_common.testing.waiting import free_port


class TestFakeRollupStore(RollupStoreContract):
    @pytest.fixture
    def store(self) -> RollupStore:
        return FakeRollupStore(maximum_rollups=CONTRACT_MAXIMUM_ROLLUPS)


class TestSqliteRollupStore(RollupStoreContract):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[SqliteRollupStore]:
        path = tmp_path / "rollups.sqlite3"
        async with SqliteRollupStore(path, maximum_rollups=CONTRACT_MAXIMUM_ROLLUPS) as opened:
            yield opened

    async def test_what_is_past_its_retention_is_forgotten(self, store: SqliteRollupStore) -> None:
        await store.write_summaries([(series(), summary(number)) for number in range(4)])
        await store.write_summaries([(series(device_id="solar"), summary(0))])
        await store.write_hours([(series(), hour(number)) for number in range(4)])
        begins = datetime.fromtimestamp(T0 / 1000, UTC)
        assert await store.forget(begins + ROLLUPS_KEPT) == 0
        assert await store.forget(begins + ROLLUPS_KEPT + timedelta(minutes=10)) == 4
        assert await summaries(store) == {"meter": [summary(2), summary(3)]}
        assert await hours(store) == {"meter": [hour(1), hour(2), hour(3)]}


@pytest.fixture
async def influx_server(influxdb_server: InfluxDB) -> AsyncIterator[InfluxServer]:
    influxdb_server.start()
    async with InfluxServer(
        url=influxdb_server.url, token=influxdb_server.token, org=influxdb_server.org
    ) as opened:
        yield opened


@pytest.mark.integration
class TestInfluxRollupStore(RollupStoreContract):
    @pytest.fixture
    async def store(
        self, influxdb_server: InfluxDB, influx_server: InfluxServer
    ) -> AsyncIterator[InfluxRollupStore]:
        bucket = f"test-{uuid4().hex}"
        await set_up_buckets(influx_server, bucket)
        async with InfluxRollupStore(
            url=influxdb_server.url,
            token=influxdb_server.token,
            org=influxdb_server.org,
            bucket=bucket,
            maximum_rollups=CONTRACT_MAXIMUM_ROLLUPS,
        ) as opened:
            yield opened

    async def test_a_name_that_was_never_checked_is_refused(self, store: RollupStore) -> None:
        with pytest.raises(PermanentError, match="escaping"):
            await store.write_hours([(series(device_id="a b"), hour(0))])


@pytest.mark.integration
class TestBuckets:
    async def test_they_are_made_once_with_their_retention(
        self, influxdb_server: InfluxDB, influx_server: InfluxServer
    ) -> None:
        bucket = f"test-{uuid4().hex}"
        names = [bucket, f"{bucket}_5m", f"{bucket}_1h"]
        assert await set_up_buckets(influx_server, bucket) == dict.fromkeys(names, True)
        assert await set_up_buckets(influx_server, bucket) == dict.fromkeys(names, False)
        kept = [influxdb_server.retention(name) for name in names]
        assert kept == [RAW_KEPT, ROLLUPS_KEPT, ROLLUPS_KEPT]

    async def test_one_that_keeps_everything_gets_its_retention(
        self, influxdb_server: InfluxDB, influx_server: InfluxServer
    ) -> None:
        bucket = f"test-{uuid4().hex}"
        influxdb_server.create_bucket(bucket)
        assert await set_up_buckets(influx_server, bucket) == {
            bucket: False,
            f"{bucket}_5m": True,
            f"{bucket}_1h": True,
        }
        assert influxdb_server.retention(bucket) == RAW_KEPT

    async def test_a_server_that_is_away_can_be_tried_again(self) -> None:
        async with InfluxServer(url=f"http://127.0.0.1:{free_port()}", token="t", org="o") as away:
            with pytest.raises(RetryableError, match="does not answer"):
                await set_up_buckets(away, "telemetry")
