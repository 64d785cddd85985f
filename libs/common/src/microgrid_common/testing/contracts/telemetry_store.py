"""What every `TelemetryStore` must do."""

import asyncio
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from microgrid_common.ports.errors import PartialWriteError, TooManyPointsError
from microgrid_common.ports.telemetry_store import DeviceSpan, Point, TelemetryStore
from microgrid_common.schemas.reading import Flag, Reading
from microgrid_common.testing.contracts.telemetry_samples import (
    METRICS,
    T0,
    Delivery,
    at,
    deliveries,
    reading,
)

CONTRACT_MAXIMUM_POINTS = 3_000
"""What the store under test must be told to give at most."""


async def values(store: TelemetryStore, metric: str = "consumption_kw", **more: Any) -> dict[float, float]:
    """Everything there is of a metric of the village: seconds → value."""
    bounds: dict[str, Any] = {"start": at(-10_000), "end": at(10_000), **more}
    points = await store.history("village", metric, **bounds)
    return {(point.time - T0).total_seconds(): point.value for point in points}


class TelemetryStoreContract:
    """Needs a fixture `store`: an empty `TelemetryStore` that gives at most `CONTRACT_MAXIMUM_POINTS`."""

    async def test_an_empty_store_has_no_points(self, store: TelemetryStore) -> None:
        """Nothing there is not an error."""
        await store.ping()
        await store.write([])
        assert await store.latest("village", since=at(-1_000)) == {}
        assert await values(store) == {}

    async def test_what_was_written_is_read_back(self, store: TelemetryStore) -> None:
        """To the last digit, with its device and its time."""
        written = reading(0.5, {"consumption_kw": 0.1 + 0.2, "battery_soc": 75.0, "dc_bus_current_a": -1e-7})
        await store.write([written])
        assert await store.latest("village", since=at(0)) == {
            "consumption_kw": Point("meter", at(0.5), 0.1 + 0.2),
            "battery_soc": Point("meter", at(0.5), 75.0),
            "dc_bus_current_a": Point("meter", at(0.5), -1e-7),
        }
        points = await store.history("village", "consumption_kw", start=at(0), end=at(1))
        assert points == [Point("meter", at(0.5), 0.1 + 0.2)]
        assert points[0].time.tzinfo is UTC

    async def test_milliseconds_are_kept_apart(self, store: TelemetryStore) -> None:
        """Readings 1 ms apart are two."""
        seconds = [-0.001, 0, 0.001, 0.01, 0.1, 0.999, 1]
        await store.write([reading(second) for second in seconds])
        assert list(await values(store)) == seconds

    async def test_writing_again_changes_nothing(self, store: TelemetryStore) -> None:
        """A delivery that is repeated adds no row."""
        readings = [reading(second) for second in range(5)]
        for _ in range(3):
            await store.write(readings)
        assert await values(store) == {0: 0, 1: 1, 2: 2, 3: 3, 4: 4}

    async def test_what_the_registry_says_is_no_part_of_the_identity(self, store: TelemetryStore) -> None:
        """A device that was given a type in between does not get a second row."""
        await store.write([reading(1)])
        await store.write(
            [
                Reading(
                    grid_id="village",
                    device_id="meter",
                    timestamp=at(1),
                    received_at=at(60),
                    metrics={"consumption_kw": 1.0},
                    flags=(Flag.NULL_DROPPED,),
                    device_type="inverter",
                    component="roof",
                )
            ]
        )
        assert await store.history("village", "consumption_kw", start=at(0), end=at(9)) == [
            Point("meter", at(1), 1.0)
        ]

    async def test_the_later_of_two_values_wins(self, store: TelemetryStore) -> None:
        """Within one write by its order, and over several writes too; metric by metric."""
        await store.write(
            [
                reading(1, {"consumption_kw": 1, "battery_soc": 10}),
                reading(0, {"consumption_kw": 0}),
                reading(1, {"consumption_kw": 2}),
            ]
        )
        assert await values(store) == {0: 0, 1: 2}
        assert await values(store, "battery_soc") == {1: 10}
        await store.write([reading(1, {"consumption_kw": 3})])
        assert await values(store) == {0: 0, 1: 3}
        assert await values(store, "battery_soc") == {1: 10}

    async def test_readings_of_the_same_time_are_merged(self, store: TelemetryStore) -> None:
        """Each reading may hold another set of metrics."""
        await store.write([reading(1, {"consumption_kw": 4}), reading(1, {"battery_soc": 50})])
        await store.write([reading(1, {"humidity_percent": 60})])
        newest = await store.latest("village", since=at(0))
        assert {metric: point.value for metric, point in newest.items()} == {
            "consumption_kw": 4,
            "battery_soc": 50,
            "humidity_percent": 60,
        }

    async def test_the_latest_point_is_the_newest_not_the_last_to_arrive(self, store: TelemetryStore) -> None:
        """A late reading fills the history and leaves the live value."""
        await store.write([reading(60)])
        await store.write([reading(10), reading(20)])
        assert (await store.latest("village", since=at(0)))["consumption_kw"] == Point("meter", at(60), 60)
        assert list(await values(store)) == [10, 20, 60]

    async def test_the_latest_points_may_come_from_several_devices(self, store: TelemetryStore) -> None:
        """Each metric has its own newest point; of the same time, the last device by name gives it."""
        await store.write(
            [
                reading(1, {"consumption_kw": 1}, device_id="meter"),
                reading(2, {"generation_kw": 2, "battery_soc": 40}, device_id="solar"),
                reading(2, {"battery_soc": 50}, device_id="battery"),
                reading(3, {"consumption_kw": 3}, device_id="meter-2"),
            ]
        )
        assert await store.latest("village", since=at(0)) == {
            "consumption_kw": Point("meter-2", at(3), 3),
            "generation_kw": Point("solar", at(2), 2),
            "battery_soc": Point("solar", at(2), 40),
        }

    async def test_latest_leaves_out_what_is_older_than_since(self, store: TelemetryStore) -> None:
        """A point of exactly that time is not older."""
        await store.write([reading(1, {"consumption_kw": 1}), reading(2, {"battery_soc": 2})])
        assert set(await store.latest("village", since=at(1))) == {"consumption_kw", "battery_soc"}
        assert set(await store.latest("village", since=at(1.001))) == {"battery_soc"}
        assert set(await store.latest("village", since=at(2.001))) == set()

    async def test_a_device_clock_that_is_ahead_is_seen(self, store: TelemetryStore) -> None:
        """A reading that is a few minutes in the future is the newest one."""
        now = datetime.now(UTC).replace(microsecond=0)
        ahead = now + timedelta(minutes=4)
        await store.write([Reading("village", "meter", ahead, now, {"battery_soc": 1.0})])
        newest = await store.latest("village", since=now - timedelta(minutes=1))
        assert newest["battery_soc"] == Point("meter", ahead, 1.0)

    async def test_grids_are_kept_apart(self, store: TelemetryStore) -> None:
        """Also those whose names begin alike, or differ by case."""
        grids = ["village", "village-2", "Village", "village_", "v"]
        await store.write(
            [reading(1, {"consumption_kw": number}, grid_id=grid) for number, grid in enumerate(grids)]
        )
        for number, grid in enumerate(grids):
            expected = Point("meter", at(1), number)
            assert await store.latest(grid, since=at(0)) == {"consumption_kw": expected}
            assert await store.history(grid, "consumption_kw", start=at(0), end=at(2)) == [expected]

    async def test_history_is_of_one_device_or_of_all(self, store: TelemetryStore) -> None:
        """In order of time, then of device."""
        await store.write(
            [
                reading(second, device_id=device)
                for device in ("solar", "meter", "meter-2")
                for second in (2, 1)
            ]
        )
        points = await store.history("village", "consumption_kw", start=at(0), end=at(9))
        assert [(point.time, point.device_id) for point in points] == [
            (at(second), device) for second in (1, 2) for device in ("meter", "meter-2", "solar")
        ]
        one = await store.history("village", "consumption_kw", start=at(0), end=at(9), device_id="meter")
        assert one == [Point("meter", at(1), 1), Point("meter", at(2), 2)]

    async def test_history_has_its_start_and_not_its_end(self, store: TelemetryStore) -> None:
        """Ranges side by side hold each point once; their bounds may be finer than a millisecond."""
        await store.write([reading(second) for second in (1, 2, 3)])
        half_a_millisecond = timedelta(microseconds=500)
        assert list(await values(store, start=at(1), end=at(3))) == [1, 2]
        assert list(await values(store, start=at(1) + half_a_millisecond, end=at(3))) == [2]
        assert list(await values(store, start=at(1), end=at(3) + half_a_millisecond)) == [1, 2, 3]
        assert list(await values(store, start=at(2), end=at(2))) == []
        assert list(await values(store, start=at(3), end=at(1))) == []

    async def test_one_write_may_be_large_and_an_answer_has_a_bound(self, store: TelemetryStore) -> None:
        """What is asked for comes whole or not at all."""
        count = CONTRACT_MAXIMUM_POINTS
        await store.write([reading(second / 10, {"consumption_kw": second}) for second in range(count)])
        assert await values(store) == {second / 10: second for second in range(count)}
        await store.write([reading(-1)])
        with pytest.raises(TooManyPointsError):
            await values(store)
        assert len(await values(store, start=at(0))) == count

    async def test_every_allowed_identifier_can_be_used(self, store: TelemetryStore) -> None:
        """Also those that look like something else."""
        names = ["-", "_", "0", "-1", "true", "null", "NaN", "telemetry", "a" * 64, "Z-_9"]
        await store.write([reading(1, grid_id=name, device_id=name) for name in names])
        for name in names:
            assert await store.latest(name, since=at(0)) == {"consumption_kw": Point(name, at(1), 1)}

    @pytest.mark.parametrize("hostile", ['x" or true or "', "x' or 1=1 --", "\\", "${x}", "a,b", "ü", ""])
    async def test_a_name_is_never_part_of_a_query(self, store: TelemetryStore, hostile: str) -> None:
        """Whatever it is, there is nothing of that name."""
        await store.write([reading(1)])
        assert await store.latest(hostile, since=at(0)) == {}
        assert await store.history(hostile, "consumption_kw", start=at(0), end=at(9)) == []
        assert await values(store, hostile) == {}
        assert await values(store, device_id=hostile) == {}

    async def test_the_samples_of_a_device_are_those_of_all_its_metrics(self, store: TelemetryStore) -> None:
        """For several devices and times at once; in order of time, without the end."""
        written = [reading(2, {"battery_soc": 5}), reading(0, {"consumption_kw": 0.3, "battery_soc": 4})]
        written += [reading(1), reading(3), reading(1, device_id="meter-2"), reading(1, grid_id="town")]
        await store.write(written)
        start_ms = int(at(0).timestamp()) * 1000
        found = await store.device_samples(
            [
                DeviceSpan("village", "meter", start_ms, start_ms + 3000),
                DeviceSpan("nowhere", "meter", start_ms, start_ms + 3000),
                DeviceSpan("village", "meter-2", start_ms + 1000, start_ms + 1001),
                DeviceSpan("village", "meter", start_ms + 3001, start_ms + 9000),
            ]
        )
        assert [{metric: list(samples) for metric, samples in of_span.items()} for of_span in found] == [
            {
                "consumption_kw": [(start_ms, 0.3), (start_ms + 1000, 1)],
                "battery_soc": [(start_ms, 4), (start_ms + 2000, 5)],
            },
            {},
            {"consumption_kw": [(start_ms + 1000, 1)]},
            {},
        ]
        assert await store.device_samples([]) == []

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    async def test_only_what_cannot_be_stored_is_refused(self, store: TelemetryStore, value: float) -> None:
        """The others of the same write are stored; it stays so when the write is repeated."""
        refused = reading(2, {"consumption_kw": 1.0, "battery_soc": value})
        for _ in range(2):
            with pytest.raises(PartialWriteError) as caught:
                await store.write([reading(1), refused, reading(3)])
            assert caught.value.rejected == (refused,)
        assert list(await values(store)) == [1, 3]
        assert await values(store, "battery_soc") == {}

    async def test_writes_and_reads_at_the_same_time(self, store: TelemetryStore) -> None:
        """Each write is there when it returns, whatever else goes on."""

        async def write_and_read(second: int) -> None:
            await store.write([reading(second)])
            assert second in await values(store)

        await asyncio.gather(*(write_and_read(second) for second in range(20)))
        assert list(await values(store)) == list(range(20))

    # The store need not be empty (each example has a grid of its own), and nothing is kept between examples.
    @settings(
        max_examples=30,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    @given(deliveries())
    async def test_any_delivery_of_the_same_readings_gives_the_same_rows(
        self, store: TelemetryStore, delivery: tuple[list[Reading], Delivery]
    ) -> None:
        """Shuffled, repeated, in parts, cut into batches anyhow."""
        readings, batches = delivery
        for batch in batches:
            await store.write(batch)
        grid_id = readings[0].grid_id if readings else "nowhere"
        newest = await store.latest(grid_id, since=at(-1))
        for metric in METRICS:
            expected = sorted(
                (whole.timestamp, whole.device_id, whole.metrics[metric])
                for whole in readings
                if metric in whole.metrics
            )
            points = await store.history(grid_id, metric, start=at(-1), end=at(1))
            assert [(point.time, point.device_id, point.value) for point in points] == expected
            assert newest.get(metric) == (points[-1] if points else None)
