import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from microgrid_common.adapters.influx import telemetry_store
from microgrid_common.adapters.influx.influxql import Table
from microgrid_common.adapters.influx.telemetry_store import InfluxTelemetryStore
from microgrid_common.ports.errors import PartialWriteError, RetryableError
from microgrid_common.ports.telemetry_store import DeviceSpan
from microgrid_common.schemas.reading import Reading
from microgrid_common.testing.contracts.telemetry_samples import at, reading
from microgrid_common.testing.contracts.telemetry_store import (
    CONTRACT_MAXIMUM_POINTS,
    TelemetryStoreContract,
    values,
)
from microgrid_common.testing.servers import InfluxBucket, InfluxDB

pytestmark = pytest.mark.integration


def store_in(bucket: InfluxBucket) -> InfluxTelemetryStore:
    return InfluxTelemetryStore(
        url=bucket.url,
        token=bucket.token,
        org=bucket.org,
        bucket=bucket.bucket,
        maximum_points=CONTRACT_MAXIMUM_POINTS,
    )


@pytest.fixture
async def store(influx_bucket: InfluxBucket) -> AsyncIterator[InfluxTelemetryStore]:
    async with store_in(influx_bucket) as opened:
        yield opened


@asynccontextmanager
async def store_with_retention(server: InfluxDB, retention: timedelta) -> AsyncIterator[InfluxTelemetryStore]:
    server.start()
    bucket = server.create_bucket(f"test-{uuid4().hex}", retention=retention)
    async with store_in(bucket) as opened:
        yield opened
    server.delete_bucket(bucket)


async def write_lines(bucket: InfluxBucket, *lines: str) -> None:
    """Write past the store, as somebody else's program would."""
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Token {bucket.token}"}) as session,
        session.post(
            f"{bucket.url}/api/v2/write",
            params={"org": bucket.org, "bucket": bucket.bucket, "precision": "ms"},
            data="\n".join(lines).encode(),
        ) as response,
    ):
        response.raise_for_status()


def milliseconds(seconds: float) -> int:
    return round(at(seconds).timestamp() * 1000)


class TestInfluxTelemetryStore(TelemetryStoreContract):
    pass


class TestRetention:
    async def test_only_the_reading_that_is_too_old_is_named(self, influxdb_server: InfluxDB) -> None:
        now = datetime.now(UTC).replace(microsecond=0)
        readings = [
            Reading("village", "meter", now - timedelta(minutes=minutes), now, {"battery_soc": minutes})
            for minutes in (0, 10, 120, 20)
        ]
        async with store_with_retention(influxdb_server, timedelta(hours=1)) as store:
            with pytest.raises(PartialWriteError, match="outside retention policy") as caught:
                await store.write(readings)
            assert caught.value.rejected == (readings[2],)
            points = await store.history(
                "village", "battery_soc", start=now - timedelta(days=1), end=at(10**8)
            )
        assert [point.value for point in points] == [20, 10, 0]

    async def test_a_long_backlog_is_told_apart_in_few_requests(
        self, influxdb_server: InfluxDB, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = datetime.now(UTC).replace(microsecond=0)
        too_old = [
            Reading(
                "village", f"meter-{number % 7}", now - timedelta(hours=2, seconds=number), now, {"x": 1.0}
            )
            for number in range(1_000)
        ]
        recent = [
            Reading("village", f"meter-{number % 7}", now - timedelta(seconds=number), now, {"x": 1.0})
            for number in range(1_500)
        ]
        mixed = [*recent[:700], *too_old, *recent[700:]]
        async with store_with_retention(influxdb_server, timedelta(hours=1)) as store:
            requests = 0
            post = store._post

            async def counted(readings: list[Reading]) -> None:
                nonlocal requests
                requests += 1
                await post(readings)

            monkeypatch.setattr(store, "_post", counted)
            with pytest.raises(PartialWriteError) as caught:
                await store.write(mixed)
            points = await store.history("village", "x", start=now - timedelta(days=1), end=at(10**8))
        assert sorted(caught.value.rejected, key=mixed.index) == too_old
        assert len(points) == len(recent)
        # Two a level of the halving, of which there are 12.
        assert requests < 30


class TestBusyDevices:
    @pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 7])
    async def test_samples_are_read_in_answers_of_bounded_size(
        self, count: int, store: InfluxTelemetryStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(telemetry_store, "ROWS_AT_ONCE", 3)
        answers: list[int] = []

        async def select(*arguments: Any) -> list[list[Table]]:
            answer = await really_select(*arguments)
            answers.extend(len(table.rows) for tables in answer for table in tables)
            return answer

        really_select = store._server.select
        monkeypatch.setattr(store._server, "select", select)
        await store.write(
            [
                *(reading(second, {"consumption_kw": 1.5 * second}) for second in range(count)),
                *(reading(second, {"battery_soc": second}, device_id="battery") for second in range(0, 8, 2)),
                reading(0.5, {"battery_soc": 50}),
            ]
        )
        spans = [
            DeviceSpan("village", device, milliseconds(0), milliseconds(7)) for device in ("meter", "battery")
        ]
        meter, battery = await store.device_samples(spans)
        assert list(meter["consumption_kw"]) == [
            (milliseconds(second), 1.5 * second) for second in range(count)
        ]
        assert list(meter["battery_soc"]) == [(milliseconds(0.5), 50)]
        assert {metric: list(samples) for metric, samples in battery.items()} == {
            "battery_soc": [(milliseconds(second), second) for second in (0, 2, 4, 6)]
        }
        assert max(answers) <= 3


class TestFieldTypes:
    async def test_readings_that_conflict_with_what_is_there_are_named(
        self, store: InfluxTelemetryStore, influx_bucket: InfluxBucket
    ) -> None:
        # Somebody made the metric an integer in one week, which is the span of a shard.
        await write_lines(influx_bucket, f"telemetry,device_id=x,grid_id=x battery_soc=5i {milliseconds(0)}")
        week = timedelta(days=7).total_seconds()
        readings = [
            reading(1, {"consumption_kw": 1}),
            reading(2, {"battery_soc": 50}),
            reading(3, {"consumption_kw": 3}),
            reading(4, {"battery_soc": 51, "consumption_kw": 4}),
            reading(week + 5, {"battery_soc": 52}),
        ]
        with pytest.raises(PartialWriteError, match="field type conflict") as caught:
            await store.write(readings)
        assert caught.value.rejected == (readings[1], readings[3])
        assert await values(store) == {1: 1, 3: 3}
        assert await values(store, "battery_soc", start=at(week), end=at(2 * week)) == {week + 5: 52}


class TestForeignData:
    async def test_points_of_other_programs_are_left_out(
        self, store: InfluxTelemetryStore, influx_bucket: InfluxBucket
    ) -> None:
        await write_lines(
            influx_bucket,
            f"weather,device_id=meter,grid_id=village consumption_kw=99 {milliseconds(1)}",
            rf'telemetry,device_id=a\,\ "b",grid_id=village consumption_kw=2 {milliseconds(2)}',
        )
        points = await store.history("village", "consumption_kw", start=at(0), end=at(9))
        assert [(point.device_id, point.value) for point in points] == [('a, "b"', 2)]


class TestWrongSettings:
    @pytest.mark.parametrize(
        ("wrong", "meaning"),
        [
            ({"token": "wrong"}, "401, the token is not valid"),
            ({"bucket": "nowhere"}, '404, .* bucket does not exist, .*: .*"nowhere"'),
            ({"org": "nobody"}, 'organization name "nobody" not found'),
        ],
    )
    async def test_the_store_says_what_is_wrong_and_waits(
        self, influx_bucket: InfluxBucket, wrong: dict[str, str], meaning: str
    ) -> None:
        async with store_in(replace(influx_bucket, **wrong)) as store:
            for call in (store.write([reading(1)]), store.ping(), store.latest("village", since=at(0))):
                with pytest.raises(RetryableError, match=meaning):
                    await call

    async def test_a_bucket_may_be_made_later(self, influxdb_server: InfluxDB) -> None:
        influxdb_server.start()
        name = f"test-{uuid4().hex}"
        later = InfluxBucket(
            url=influxdb_server.url,
            token=influxdb_server.token,
            org=influxdb_server.org,
            bucket=name,
            bucket_id="",
        )
        async with store_in(later) as store:
            with pytest.raises(RetryableError):
                await store.ping()
            made = influxdb_server.create_bucket(name)
            await store.ping()
            await store.write([reading(1)])
            assert await values(store) == {1: 1}
        influxdb_server.delete_bucket(made)


class TestOutage:
    async def test_what_was_written_survives_a_crash_of_the_server(
        self, store: InfluxTelemetryStore, influxdb_server: InfluxDB
    ) -> None:
        await store.write([reading(second) for second in range(100)])
        await asyncio.to_thread(influxdb_server.kill)
        for call in (store.write([reading(100)]), store.ping(), store.latest("village", since=at(0))):
            with pytest.raises(RetryableError):
                await call
        await asyncio.to_thread(influxdb_server.start)
        await store.write([reading(100)])
        assert list(await values(store)) == list(range(101))
