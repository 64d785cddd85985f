"""What every `RollupStore` must do."""

import math
from datetime import UTC, datetime

import pytest

from microgrid_common.ports.errors import TooManyPointsError
from microgrid_common.ports.rollup_store import RollupStore, Series
from microgrid_common.ports.telemetry_store import DeviceSpan
from microgrid_common.transforms.rollups.buckets import BUCKET_MS
from microgrid_common.transforms.rollups.calendar import HOUR_MS, Span
from microgrid_common.transforms.rollups.rollup import Rollup
from microgrid_common.transforms.rollups.summary import Summary

CONTRACT_MAXIMUM_ROLLUPS = 500
"""What the store under test must be told to give at most."""

T0 = int(datetime(2026, 11, 23, tzinfo=UTC).timestamp()) * 1000
ALWAYS = Span(T0 - 1000 * HOUR_MS, T0 + 1000 * HOUR_MS)


def series(*, grid_id: str = "village", device_id: str = "meter", metric: str = "consumption_kw") -> Series:
    """A series; of the village's consumption where nothing else is said."""
    return Series(grid_id, device_id, metric)


def summary(number: int, value: float = 0.1 + 0.2) -> Summary:
    """The summary of a bucket so many buckets after T0."""
    start_ms = T0 + number * BUCKET_MS
    return Summary(
        start_ms, 3, value, -1e-7, 1e6, start_ms, 6.0, start_ms + 299_999, 2 / 3, 299_999, value / 12, 0.0
    )


def hour(number: int, value: float = 0.1 + 0.2) -> Rollup:
    """The figures of an hour so many hours after T0."""
    start_ms = T0 + number * HOUR_MS
    return Rollup(start_ms, start_ms + HOUR_MS, 36, value, -1.0, math.pi, HOUR_MS - 7, value, 1e-300)


async def summaries(store: RollupStore) -> dict[str, list[Summary]]:
    """All of the village's consumption."""
    return await store.summaries("village", "consumption_kw", ALWAYS)


async def hours(store: RollupStore) -> dict[str, list[Rollup]]:
    """All of the village's consumption."""
    return await store.hours("village", "consumption_kw", ALWAYS)


class RollupStoreContract:
    """Needs a fixture `store`: an empty `RollupStore` that gives at most `CONTRACT_MAXIMUM_ROLLUPS`."""

    async def test_an_empty_store_has_no_rollups(self, store: RollupStore) -> None:
        """Nothing there is not an error."""
        await store.ping()
        await store.write_summaries([])
        await store.write_hours([])
        assert await summaries(store) == {}
        assert await hours(store) == {}
        assert await store.device_summaries([DeviceSpan("village", "meter", *ALWAYS)]) == [{}]
        assert await store.device_summaries([]) == []

    async def test_what_was_written_is_read_back(self, store: RollupStore) -> None:
        """To the last digit, in order of time, whole numbers as such and others as such."""
        await store.write_summaries([(series(), summary(1)), (series(), summary(0, 6.0))])
        await store.write_hours([(series(), hour(1)), (series(), hour(0, 6.0))])
        assert await summaries(store) == {"meter": [summary(0, 6.0), summary(1)]}
        assert await hours(store) == {"meter": [hour(0, 6.0), hour(1)]}
        found = (await summaries(store))["meter"][0]
        assert list(map(type, found)) == list(map(type, summary(0)))
        assert list(map(type, (await hours(store))["meter"][0])) == list(map(type, hour(0)))

    async def test_an_hour_without_points_has_no_mean(self, store: RollupStore) -> None:
        """Where clocks are changed an hour can be so short that only a line crosses it."""
        short = Rollup(T0, T0 + BUCKET_MS, 0, None, None, None, BUCKET_MS, 0.5, 0.0)
        await store.write_hours([(series(), short), (series(), hour(1))])
        assert await hours(store) == {"meter": [short, hour(1)]}

    async def test_writing_again_replaces(self, store: RollupStore) -> None:
        """And leaves every other row as it was."""
        await store.write_summaries([(series(), summary(number)) for number in range(3)])
        await store.write_hours([(series(), hour(number)) for number in range(3)])
        await store.write_summaries([(series(), summary(1, 9.5))])
        await store.write_hours([(series(), hour(1, 9.5))])
        assert await summaries(store) == {"meter": [summary(0), summary(1, 9.5), summary(2)]}
        assert await hours(store) == {"meter": [hour(0), hour(1, 9.5), hour(2)]}

    async def test_series_are_kept_apart(self, store: RollupStore) -> None:
        """By grid, device and metric; all devices of a grid are asked for at once, or one."""
        rows = [
            (series(), 1.0),
            (series(device_id="meter-2"), 2.0),
            (series(metric="battery_soc"), 3.0),
            (series(grid_id="Village"), 4.0),
        ]
        await store.write_summaries([(name, summary(0, value)) for name, value in rows])
        await store.write_hours([(name, hour(0, value)) for name, value in rows])
        assert await summaries(store) == {"meter": [summary(0, 1.0)], "meter-2": [summary(0, 2.0)]}
        assert await hours(store) == {"meter": [hour(0, 1.0)], "meter-2": [hour(0, 2.0)]}
        one = await store.summaries("village", "consumption_kw", ALWAYS, device_id="meter-2")
        assert one == {"meter-2": [summary(0, 2.0)]}
        assert await store.hours("Village", "consumption_kw", ALWAYS, device_id="meter") == {
            "meter": [hour(0, 4.0)]
        }

    async def test_the_summaries_of_a_device_are_those_of_all_its_metrics(self, store: RollupStore) -> None:
        """For several devices and times at once."""
        await store.write_summaries(
            [
                *((series(), summary(number)) for number in range(3)),
                (series(metric="battery_soc"), summary(1, 50.0)),
                (series(device_id="solar"), summary(1, 7.0)),
            ]
        )
        assert await store.device_summaries(
            [
                DeviceSpan("village", "meter", T0, T0 + 2 * BUCKET_MS),
                DeviceSpan("village", "nobody", *ALWAYS),
                DeviceSpan("village", "solar", *ALWAYS),
            ]
        ) == [
            {"battery_soc": [summary(1, 50.0)], "consumption_kw": [summary(0), summary(1)]},
            {},
            {"consumption_kw": [summary(1, 7.0)]},
        ]

    async def test_a_span_has_its_start_and_not_its_end(self, store: RollupStore) -> None:
        """By when the figures begin."""
        await store.write_summaries([(series(), summary(number)) for number in range(4)])
        await store.write_hours([(series(), hour(number)) for number in range(4)])
        middle = Span(T0 + BUCKET_MS, T0 + 3 * BUCKET_MS)
        assert await store.summaries("village", "consumption_kw", middle) == {
            "meter": [summary(1), summary(2)]
        }
        middle = Span(T0 + HOUR_MS, T0 + 3 * HOUR_MS)
        assert await store.hours("village", "consumption_kw", middle) == {"meter": [hour(1), hour(2)]}
        assert await store.hours("village", "consumption_kw", Span(T0, T0)) == {}

    async def test_an_answer_has_a_bound(self, store: RollupStore) -> None:
        """What is asked for comes whole or not at all."""
        await store.write_hours([(series(), hour(number)) for number in range(CONTRACT_MAXIMUM_ROLLUPS)])
        assert len((await hours(store))["meter"]) == CONTRACT_MAXIMUM_ROLLUPS
        await store.write_hours([(series(device_id="meter-2"), hour(0))])
        with pytest.raises(TooManyPointsError):
            await hours(store)

    @pytest.mark.parametrize("hostile", ["x' or 1=1 --", 'x" or true', "\\", "$grid0", "a,b", "ü", ""])
    async def test_a_name_is_never_part_of_a_query(self, store: RollupStore, hostile: str) -> None:
        """Whatever it is, there is nothing of that name."""
        await store.write_hours([(series(), hour(0))])
        await store.write_summaries([(series(), summary(0))])
        assert await store.hours(hostile, "consumption_kw", ALWAYS) == {}
        assert await store.hours("village", hostile, ALWAYS) == {}
        assert await store.summaries("village", "consumption_kw", ALWAYS, device_id=hostile) == {}
        assert await store.device_summaries([DeviceSpan(hostile, hostile, *ALWAYS)]) == [{}]
